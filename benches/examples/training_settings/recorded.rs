//! Which tracks of the manifest are recordings.

use std::path::Path;

use trainer::data::Entry;

/// The entries, without a genre where the manifest's column `rendered` names what played them.
pub fn recorded(entries: &[Entry], manifest: &Path) -> Vec<Entry> {
    let mut reader = csv::Reader::from_path(manifest).expect("the manifest");
    let rendered = reader.headers().expect("a header").iter().position(|column| column == "rendered");
    let rendered = rendered.expect("a column `rendered`");
    let rows: Vec<_> = reader.records().map(|row| !row.expect("a row")[rendered].is_empty()).collect();
    assert_eq!(rows.len(), entries.len(), "the manifest has changed");
    let entry = |(entry, is_rendered): (&Entry, bool)| {
        let genre = entry.genre.clone().filter(|_| !is_rendered);
        Entry { genre, ..entry.clone() }
    };
    entries.iter().zip(rows).map(entry).collect()
}
