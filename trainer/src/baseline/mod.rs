//! What a model must beat.
//!
//! | module | holds |
//! |---|---|
//! | [`mfcc`] | mean and deviation of a track's MFCC: 40 numbers without learning |
//! | [`random`] | the same network with random weights |
//! | [`standardise`] | [`Standardiser`]: each number on the scale of its own spread |

pub mod mfcc;
pub mod random;
pub mod standardise;

use std::path::Path;

use audio_frontend::{Coverage, FrontEndConfig, WindowReader, Windows};

pub use mfcc::mfcc_features;
pub use random::random_model;
pub use standardise::Standardiser;

use crate::error::Result;

/// All windows of a file, as a model hears it.
///
/// # Errors
/// As [`WindowReader::next_windows`].
pub fn windows_of_file(path: &Path, front_end: &FrontEndConfig) -> Result<Windows> {
    let mut reader = WindowReader::open(path, front_end, Coverage::Spread)?;
    let mut all = Windows::none(front_end);
    while let Some(windows) = reader.next_windows()? {
        all.starts.extend(windows.starts);
        all.powers.extend(windows.powers);
        all.log_mel.extend(windows.log_mel);
    }
    Ok(all)
}
