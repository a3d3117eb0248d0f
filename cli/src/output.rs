//! What goes to standard output: data, for a person or for a program.

use std::io::Write;

use crate::Outcome;

/// Prints text.
///
/// # Errors
/// A reader that has gone away (`| head`) is no error: there is nobody left to tell. Anything else
/// is, a full disk above all.
pub fn print(text: &str) -> anyhow::Result<()> {
    print_bytes(text.as_bytes())
}

/// Prints bytes; errors as [`print()`].
pub fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result.map_err(|error| anyhow::anyhow!("standard output: {error}"))?),
    }
}

/// Prints a value as indented JSON.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Prints paths byte for byte, one a line.
pub fn print_paths<'a>(paths: impl Iterator<Item = &'a std::path::Path>) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend_from_slice(path.as_os_str().as_encoded_bytes());
        bytes.push(b'\n');
    }
    print_bytes(&bytes)
}

/// Says why there is no answer.
#[allow(clippy::print_stderr, reason = "finding nothing is no failure, but must not look like an empty answer")]
pub fn nothing(reason: &str) -> Outcome {
    eprintln!("{reason}");
    Outcome::NothingFound
}

/// Text without line breaks and other control characters, which tags and paths may hold.
pub fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// A table of left-aligned columns, as wide as their widest cell.
pub struct Table {
    rows: Vec<Vec<String>>,
}

/// Longest text shown in a column but the last.
const CELL_CHARACTERS: usize = 32;

impl Table {
    /// With a header.
    pub fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row of as many cells as the header has.
    pub fn row(&mut self, cells: Vec<String>) {
        let last = cells.len().saturating_sub(1);
        let cells = cells.into_iter().enumerate().map(|(column, cell)| {
            let cell = one_line(&cell);
            if column == last || cell.chars().count() <= CELL_CHARACTERS {
                return cell;
            }
            cell.chars().take(CELL_CHARACTERS - 1).chain(['…']).collect()
        });
        self.rows.push(cells.collect());
    }

    /// The table, columns two spaces apart.
    pub fn to_text(&self) -> String {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        self.rows.iter().map(line).collect()
    }
}

/// A length as people write it: `3:07`, `1:02:03`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A count with its noun: `1 track`, `2 tracks`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_control_characters_are_gone() {
        let mut table = Table::new(&["artist", "path"]);
        table.row(vec!["Ä\nB".into(), "/x".into()]);
        table.row(vec!["a".repeat(40), "/y".into()]);
        let expected = format!("{:32}  path\n{:32}  /x\n{}…  /y\n", "artist", "Ä B", "a".repeat(31));
        assert_eq!(table.to_text(), expected);
    }

    #[test]
    fn lengths_read_like_those_of_a_player() {
        assert_eq!(clock(7.4), "0:07");
        assert_eq!(clock(187.0), "3:07");
        assert_eq!(clock(3723.0), "1:02:03");
    }
}
