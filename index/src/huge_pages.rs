//! Memory in pages of two megabytes. A query of a large index reads a few megabytes from all over it, and looking up where
//! each of their small pages lies takes a quarter of its time (benches/results/search.md).

/// Mappings below this size are left as they are, in bytes.
const LEAST_BYTES: usize = 32 << 20;

/// Asks the kernel to put this process's large memory into huge pages. Where it cannot, nothing changes but the speed.
pub fn advise() {
    #[cfg(target_os = "linux")]
    {
        let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
        for (start, length) in maps.lines().filter_map(anonymous).filter(|(_, length)| *length >= LEAST_BYTES) {
            // SAFETY: both are advice: what the memory holds stays, and a mapping that is gone meanwhile is an error.
            unsafe {
                libc::madvise(start as *mut libc::c_void, length, libc::MADV_HUGEPAGE);
                libc::madvise(start as *mut libc::c_void, length, libc::MADV_COLLAPSE);
            }
        }
    }
}

/// Start and length of a mapping of private memory that belongs to no file.
#[cfg(target_os = "linux")]
fn anonymous(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let permissions = fields.next()?;
    let name = fields.nth(3);
    let is_anonymous = name.is_none() || name == Some("[heap]");
    let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16));
    let (start, end) = (start.ok()?, end.ok()?);
    (permissions == "rw-p" && is_anonymous).then(|| (start, end - start))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn anonymous_memory_is_told_from_files() {
        assert_eq!(anonymous("7f00-7f80 rw-p 00000000 00:00 0 "), Some((0x7f00, 0x80)));
        assert_eq!(anonymous("10-20 rw-p 00000000 00:00 0      [heap]"), Some((0x10, 0x10)));
        for other in ["10-20 r--p 0 00:00 0", "10-20 rw-p 0 fe:00 7 /a", "10-20 rw-p 0 00:00 0 [stack]", "", "x"] {
            assert_eq!(anonymous(other), None, "{other}");
        }
    }

    #[test]
    fn memory_holds_what_it_held() {
        let memory: Vec<u32> = (0..(2 * LEAST_BYTES as u32 / 4)).collect();
        advise();
        assert!(memory.iter().zip(0..).all(|(value, place)| *value == place));
    }
}
