//! Addresses of files (RFC 8089).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// Every byte that has a meaning of its own in an address, or none at all.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A file's address.
pub fn address_of(path: &Path) -> String {
    format!("file://{}", percent_encode(path.as_os_str().as_bytes(), ESCAPED))
}

/// The file of an address; `None`: it is that of something else.
pub fn path_of(address: &str) -> Option<PathBuf> {
    let path = address.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    if !path.starts_with('/') {
        return None; // another host's
    }
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    Some(OsStr::from_bytes(&bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_escaped_and_lead_back() {
        for (path, address) in [
            (&b"/music/a b/caf\xc3\xa9 & <1>.flac"[..], "file:///music/a%20b/caf%C3%A9%20%26%20%3C1%3E.flac"),
            (b"/\xff%", "file:///%FF%25"),
        ] {
            let path = Path::new(OsStr::from_bytes(path));
            assert_eq!(address_of(path), address);
            assert_eq!(path_of(address).as_deref(), Some(path));
        }
        assert_eq!(path_of("file://localhost/a"), Some("/a".into()));
        for other in ["http://example.org/a", "file://nas/a", "file://localhostel/a"] {
            assert_eq!(path_of(other), None, "{other}");
        }
    }
}
