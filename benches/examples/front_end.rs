//! The front end alone, as a program to be timed: `front_end spread|full FILE…`.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints, and may stop at an error")]

use std::path::Path;

use audio_frontend::{Coverage, FrontEndConfig, WindowReader};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let coverage = match arguments.next().as_deref() {
        Some("full") => Coverage::Full,
        _ => Coverage::Spread,
    };
    let config = FrontEndConfig::default();
    for file in arguments {
        let mut reader = WindowReader::open(Path::new(&file), &config, coverage).expect("the file opens");
        let mut count = 0;
        while let Some(windows) = reader.next_windows().expect("the file decodes") {
            count += windows.count();
        }
        println!("{file}: {count} windows");
    }
}
