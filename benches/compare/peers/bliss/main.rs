//! Distances between tracks as bliss measures them by default: a line a track, its numbers as in the arguments.
//!
//!     bliss-distances JOBS FILE...

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use bliss_audio::decoder::{Decoder, DefaultDecoder};
use bliss_audio::{AnalysisOptions, FeaturesVersion};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let jobs = arguments.next().and_then(|jobs| jobs.parse().ok()).and_then(NonZeroUsize::new).expect("JOBS");
    let paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let options = AnalysisOptions { number_cores: jobs, ..Default::default() };
    let mut analyses = HashMap::new();
    for (path, song) in DefaultDecoder::analyze_paths_with_options(&paths, options) {
        match song {
            Ok(song) => {
                analyses.insert(path, song.analysis.as_arr1());
            }
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
    let distance = FeaturesVersion::LATEST.distance_metric();
    for query in &paths {
        let row = paths.iter().map(|path| distance(&analyses[query], &analyses[path]).to_string());
        println!("{}", row.collect::<Vec<_>>().join(" "));
    }
}
