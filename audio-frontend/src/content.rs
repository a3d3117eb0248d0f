//! How a file is recognised by what is in it.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::path::Path;

/// Files up to this size are hashed whole; of larger ones only blocks, so that an hour of music
/// costs no more than is listened to of it.
const WHOLE_BYTES: u64 = 256 << 20;

/// Blocks of a large file that are hashed, spread evenly from its first to its last byte.
const BLOCKS: u64 = 64;

/// Length of a block.
const BLOCK_BYTES: u64 = 1 << 20;

/// BLAKE3 hash of a file's bytes; above 256 MiB, of its length and of 64 blocks of 1 MiB spread over
/// it. A FIFO or device, which would never end, has none.
///
/// # Errors
/// The system's.
pub fn hash_file(path: &Path) -> Result<[u8; 32]> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    hash(&mut File::open(path)?, metadata.len(), WHOLE_BYTES)
}

fn hash(file: &mut (impl Read + Seek), length: u64, whole_bytes: u64) -> Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    if length <= whole_bytes {
        hasher.update_reader(file)?;
    } else {
        hasher.update(&length.to_le_bytes());
        for block in 0..BLOCKS {
            let room = u128::from(length.saturating_sub(BLOCK_BYTES));
            let start = room * u128::from(block) / u128::from(BLOCKS - 1);
            file.seek(SeekFrom::Start(start as u64))?;
            hasher.update_reader(Read::by_ref(file).take(BLOCK_BYTES))?;
        }
    }
    Ok(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_large_file_is_known_by_its_blocks_and_its_length() {
        let bytes = vec![7; 100 << 20];
        let hash_of = |bytes: &[u8]| hash(&mut Cursor::new(bytes), bytes.len() as u64, 1 << 20).unwrap();
        let plain = hash_of(&bytes);
        let mut end = bytes.clone();
        *end.last_mut().unwrap() = 8;
        assert_ne!(hash_of(&end), plain);
        assert_ne!(hash_of(&bytes[1..]), plain);
        assert_eq!(
            hash(&mut Cursor::new(&bytes), bytes.len() as u64, u64::MAX).unwrap(),
            *blake3::hash(&bytes).as_bytes()
        );
    }
}
