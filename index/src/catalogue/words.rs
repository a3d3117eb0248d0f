//! Tracks by words of their tags and paths.

use rusqlite::{Row, params};

use super::Catalogue;
use super::columns::{COLUMNS, record_of};
use crate::error::Result;
use crate::track::TrackRecord;

/// Words that are looked for; more are not.
const MOST_WORDS: usize = 32;

/// What a word weighs in title, artist, album, genre and path, the columns of `track_words`.
const RANK: &str = "bm25(track_words, 10.0, 10.0, 2.0, 1.0, 0.2)";

/// Of more matches than that, an order says little, and takes a second for every million.
const MOST_RANKED: usize = 200_000;

/// FTS5's question for tracks with all words of a text, each of them a word's beginning; `None`: it has no words.
fn question(text: &str) -> Option<String> {
    // FTS5 takes a question to end at a NUL.
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let words = words.filter(|word| word.contains(char::is_alphanumeric)).take(MOST_WORDS);
    // What stands in quotes is a phrase to FTS5, whatever it is.
    let quoted: Vec<String> = words.map(|word| format!("\"{}\"*", word.replace('"', "\"\""))).collect();
    (!quoted.is_empty()).then(|| quoted.join(" "))
}

impl Catalogue {
    /// Embedded tracks in which all words of a text occur, or words that begin so, without regard to case and accents: how
    /// many there are, and `limit` of them from `offset` on. Best first: words of title and artist count most, those of
    /// a path least. More than 200,000 come by their numbers. Without a word in it, all embedded tracks, by artist, album and
    /// title.
    ///
    /// # Errors
    /// As all that reads.
    pub fn search_text(&self, text: &str, offset: usize, limit: usize) -> Result<(usize, Vec<TrackRecord>)> {
        // So that the number is that of the tracks that are paged through.
        self.at_one_instant(|catalogue| match question(text) {
            Some(question) => catalogue.search_words(&question, offset, limit),
            None => catalogue.list(offset, limit),
        })
    }

    fn search_words(&self, question: &str, offset: usize, limit: usize) -> Result<(usize, Vec<TrackRecord>)> {
        let count = "SELECT count(*) FROM track_words WHERE track_words MATCH ?1";
        let total = self.read(|connection| connection.prepare_cached(count)?.query_row([question], total_of))?;
        let rank = if total > MOST_RANKED { "0" } else { RANK };
        let found = format!("SELECT rowid AS found, {rank} AS score FROM track_words WHERE track_words MATCH ?1");
        // By numbers, the index gives them as they are asked for.
        let order = if total > MOST_RANKED { "found" } else { "score, found" };
        let sql = format!(
            "SELECT {COLUMNS} FROM ({found} ORDER BY {order} LIMIT ?2 OFFSET ?3) JOIN tracks ON id = found
             ORDER BY {order}"
        );
        let parameters = params![question, limit as i64, offset as i64];
        let page =
            self.read(|connection| connection.prepare_cached(&sql)?.query_map(parameters, record_of)?.collect())?;
        Ok((total, page))
    }

    fn list(&self, offset: usize, limit: usize) -> Result<(usize, Vec<TrackRecord>)> {
        let from = "FROM tracks INDEXED BY tracks_as_listed WHERE failure IS NULL";
        let count = format!("SELECT count(*) {from}");
        let total = self.read(|connection| connection.prepare_cached(&count)?.query_row([], total_of))?;
        let sql = format!(
            "SELECT {COLUMNS} {from} ORDER BY artist IS NULL, artist COLLATE NOCASE, album IS NULL,
                 album COLLATE NOCASE, title COLLATE NOCASE, id LIMIT ?1 OFFSET ?2"
        );
        let parameters = params![limit as i64, offset as i64];
        let page =
            self.read(|connection| connection.prepare_cached(&sql)?.query_map(parameters, record_of)?.collect())?;
        Ok((total, page))
    }
}

fn total_of(row: &Row<'_>) -> rusqlite::Result<usize> {
    Ok(row.get::<_, i64>(0)? as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_words_and_never_syntax() {
        assert_eq!(question("  blue  tra").as_deref(), Some(r#""blue"* "tra"*"#));
        assert_eq!(question("a\0b\" OR title:").as_deref(), Some(r#""a"* "b"""* "OR"* "title:"*"#));
        for empty in ["", " \t\n", "-", "\" * ( ) ^", "\0"] {
            assert_eq!(question(empty), None, "{empty:?}");
        }
        assert_eq!(question(&"x ".repeat(100)).unwrap().matches('x').count(), MOST_WORDS);
    }
}
