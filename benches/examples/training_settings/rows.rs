//! The rows of the table, and the queries behind them.

use std::path::{Path, PathBuf};

use trainer::data::Entry;
use trainer::evaluate::folds::judge_folds;
use trainer::evaluate::query::QueryScores;
use trainer::evaluate::scores::Interval;
use trainer::evaluate::system::paired_difference;
use trainer::evaluate::{Bootstrap, Judged};

use crate::listening::Heard;

/// Prints what all systems reached.
pub struct Table<'a> {
    pub entries: Vec<Entry>,
    /// What the names of rows end with.
    pub suffix: &'static str,
    pub saved: Option<&'a Path>,
    /// Queries of the row that all others are held against.
    pub first: Vec<QueryScores>,
}

impl Table<'_> {
    /// Where something of a row is saved.
    fn file(&self, row: &str, what: &str) -> Option<PathBuf> {
        self.saved.map(|saved| saved.join(format!("{row}{}.{what}.json", self.suffix)))
    }

    /// What the queries of a saved row reached.
    pub fn read(&self, row: &str) -> Vec<QueryScores> {
        let saved = std::fs::read(self.file(row, "queries").expect("--saved")).expect("a saved row");
        serde_json::from_slice(&saved).expect("a saved row")
    }

    /// How far queries lie ahead of those of the first row, in mAP and AUC.
    pub fn ahead(&self, queries: &[QueryScores]) -> String {
        // Seeds follow each other within a fold; in the order of tracks they are beside their own.
        let by_track = |mut queries: Vec<QueryScores>| {
            queries.sort_by_key(|query| query.track);
            queries
        };
        let seeds = queries.len() / self.first.len().max(1);
        let first = (0..seeds).flat_map(|_| self.first.iter().copied()).collect();
        let scores = |query: &QueryScores| [query.average_precision, query.area_under_curve];
        let leads = paired_difference(&by_track(queries.to_vec()), &by_track(first), &Bootstrap::default(), scores);
        let interval = |lead: &Interval| format!("{:+.3} ({:+.3}, {:+.3})", lead.value, lead.low, lead.high);
        leads.map_or_else(String::new, |leads| leads.each_ref().map(interval).join(", "))
    }

    /// Prints a row.
    pub fn row(&mut self, name: &str, minutes: f64, heard: &Heard) {
        let judged: Vec<Judged<'_>> =
            self.entries.iter().map(|entry| Judged { genre: entry.genre.as_deref(), artist: &entry.artist }).collect();
        let (scores, queries) = judge_folds(&heard.folds, &judged, &Bootstrap::default()).expect("scores");
        let (precision, area) = (scores.mean_average_precision, scores.area_under_curve);
        let genres = scores.genres.iter().map(|genre| {
            format!("{} {:.2} of {} by {}", genre.genre, genre.area_under_curve, genre.queries, genre.artists)
        });
        println!(
            "| {name}{} | {minutes:.1} | {:.3} | {:.3}–{:.3} | {:.3} | {:.3}–{:.3} | {} | {:.3} | {} | {} | {} |",
            self.suffix,
            precision.value,
            precision.low,
            precision.high,
            area.value,
            area.low,
            area.high,
            self.ahead(&queries),
            scores.knn_accuracy.value,
            heard.whole.text(),
            heard.excerpt.text(),
            genres.collect::<Vec<_>>().join(", "),
        );
        if let Some(file) = self.file(name, "queries") {
            std::fs::write(file, serde_json::to_vec(&queries).expect("JSON")).expect("room to save");
        }
        if let Some(file) = self.file(name, "vectors") {
            let folds = heard.folds.iter().zip(&heard.vectors).map(|(fold, vectors)| {
                let rows: Vec<&[f32]> = (0..vectors.count()).map(|row| vectors.row(row)).collect();
                serde_json::json!({ "tracks": fold.tracks, "vectors": rows })
            });
            let folds: Vec<_> = folds.collect();
            std::fs::write(file, serde_json::to_vec(&folds).expect("JSON")).expect("room to save");
        }
        if self.first.is_empty() {
            self.first = queries;
        }
    }
}
