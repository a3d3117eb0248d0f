//! Tracks by words of their tags and paths.

use rusqlite::{Row, params};

use super::Catalogue;
use super::columns::{COLUMNS, record_of};
use crate::error::Result;
use crate::track::TrackRecord;

/// Words that are looked for; more are not.
const MOST_WORDS: usize = 32;

/// Letters of a word that are looked at.
const MOST_LETTERS: usize = 64;

/// What a word weighs in title, artist, album, genre and path, the columns of `track_words`.
const RANK: &str = "bm25(track_words, 10.0, 10.0, 2.0, 1.0, 0.2)";

/// Of more matches than that, an order says little, and takes a second for every million.
const MOST_RANKED: usize = 200_000;

/// FTS5's question for tracks with all words of a text, each of them a word's beginning; `None`: it has no words.
fn question(text: &str) -> Option<String> {
    // What FTS5 would take for several words is several here: a phrase of thousands takes minutes to look for.
    let words = text.split(|character| !is_of_a_word(character)).filter(|word| word.contains(char::is_alphanumeric));
    let beginning = |word: &str| word.chars().take(MOST_LETTERS).collect::<String>();
    // What stands in quotes is no syntax to FTS5.
    let quoted: Vec<String> = words.take(MOST_WORDS).map(|word| format!("\"{}\"*", beginning(word))).collect();
    (!quoted.is_empty()).then(|| quoted.join(" "))
}

/// Letters and digits, and accents that follow their letter, which FTS5 passes over.
fn is_of_a_word(character: char) -> bool {
    character.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&character)
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
        let parameters = params![question, in_sql(limit), in_sql(offset)];
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
        let parameters = params![in_sql(limit), in_sql(offset)];
        let page =
            self.read(|connection| connection.prepare_cached(&sql)?.query_map(parameters, record_of)?.collect())?;
        Ok((total, page))
    }
}

/// As far as SQLite counts.
fn in_sql(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
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
        assert_eq!(question("a\0b\" OR title:").as_deref(), Some(r#""a"* "b"* "OR"* "title"*"#));
        assert_eq!(question("AC/DC").as_deref(), Some(r#""AC"* "DC"*"#));
        assert_eq!(question("bjo\u{308}rk").as_deref(), Some("\"bjo\u{308}rk\"*"));
        for empty in ["", " \t\n", "-", "\" * ( ) ^", "\0", "\u{308}"] {
            assert_eq!(question(empty), None, "{empty:?}");
        }
        assert_eq!(question(&"x.".repeat(100)).unwrap().matches('x').count(), MOST_WORDS);
        assert_eq!(question(&"x".repeat(1000)).unwrap().matches('x').count(), MOST_LETTERS);
    }
}
