//! Names with their other spellings, as they stand in a TOML file.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use toml::Spanned;

use crate::error::{Error, Result};

/// A name and what else it is called.
type Table = BTreeMap<Spanned<String>, Vec<Spanned<String>>>;

/// From each spelling, [folded](fold), to the name that it stands under.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spellings(HashMap<String, String>);

impl Spellings {
    /// Reads the one table of a file: `name = ["other spelling", …]`, a line each. A name is a
    /// spelling of itself.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Names`], [`Error::NameTwice`] and [`Error::NameChain`] with the line.
    pub fn read(path: &Path, table: &'static str) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.into(), source })?;
        Self::parse(&text, table, path)
    }

    /// As [`Spellings::read`], for the text of a file.
    pub fn parse(text: &str, table: &'static str, path: &Path) -> Result<Self> {
        let line_of = |offset: usize| 1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count() as u64;
        let at = |offset: usize, reason: String| Error::Names { path: path.into(), line: line_of(offset), reason };
        let tables: BTreeMap<Spanned<String>, Table> = toml::from_str(text)
            .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        if let Some(other) = tables.keys().find(|name| name.get_ref() != table) {
            return Err(at(other.span().start, format!("`{}` is not known here, only [{table}]", other.get_ref())));
        }
        let (_, names) = tables.into_iter().next().ok_or_else(|| at(0, format!("there is no table [{table}]")))?;
        let mut spellings = Vec::new();
        for (name, others) in &names {
            let all = std::iter::once(name).chain(others);
            spellings.extend(all.map(|spelling| (spelling.span().start, spelling.get_ref(), name.get_ref())));
        }
        spellings.sort_unstable(); // by place: of two that do not agree, the later is the wrong one
        let mut found: HashMap<String, (&String, &String)> = HashMap::new();
        for (offset, spelling, name) in spellings {
            let folded = fold(spelling);
            if folded.is_empty() {
                return Err(at(offset, "a name is empty".into()));
            }
            let (first, under) = *found.entry(folded).or_insert((spelling, name));
            if under == name {
                continue;
            }
            let (path, line, spelling) = (path.into(), line_of(offset), spelling.clone());
            return Err(match (first == under, spelling == *name) {
                (true, false) => Error::NameChain { path, line, name: spelling, of: name.clone() },
                (false, true) => Error::NameChain { path, line, name: spelling, of: under.clone() },
                _ => Error::NameTwice { path, line, name: spelling, first: under.clone(), second: name.clone() },
            });
        }
        let names = found.into_iter().map(|(folded, (_, name))| (folded, name.trim().to_owned()));
        Ok(Self(names.collect()))
    }

    /// The name that a spelling stands under.
    pub fn name_of(&self, spelling: &str) -> Option<&str> {
        self.0.get(&fold(spelling)).map(String::as_str)
    }
}

/// Text as names are compared: lower-cased, with single spaces.
pub(super) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Spellings> {
        Spellings::parse(text, "genres", Path::new("genres.toml"))
    }

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_spelling_leads_to_its_name_whatever_its_case_and_spaces() {
        let spellings = parse("[genres]\nRock = [\"hard rock\", \"ROCK\"]\njazz = []\n").unwrap();
        assert_eq!(spellings.name_of(" Hard  ROCK"), Some("Rock"));
        assert_eq!(spellings.name_of("rock"), Some("Rock"));
        assert_eq!(spellings.name_of("Jazz"), Some("jazz"));
        assert_eq!(spellings.name_of("polka"), None);
    }

    #[test]
    fn a_spelling_under_two_names_is_an_error_with_its_line() {
        assert_eq!(
            error("[genres]\nrock = [\"indie\"]\n\npop = [\n  \"dance\",\n  \"Indie\",\n]\n"),
            "genres.toml, line 6: `Indie` stands under both `rock` and `pop`"
        );
        assert_eq!(
            error("[genres]\nrock = []\nRock = []\n"),
            "genres.toml, line 3: `Rock` stands under both `rock` and `Rock`"
        );
    }

    #[test]
    fn a_chain_is_an_error_with_its_line_whichever_end_comes_first() {
        let expected = "`b` is listed under `a` and has a list of its own";
        assert_eq!(error("[genres]\na = [\"b\"]\nb = [\"c\"]\n"), format!("genres.toml, line 3: {expected}"));
        assert_eq!(error("[genres]\nb = [\"c\"]\na = [\"d\", \"b\"]\n"), format!("genres.toml, line 3: {expected}"));
    }

    #[test]
    fn what_is_no_table_of_names_is_an_error_with_its_line() {
        assert_eq!(error(""), "genres.toml, line 1: there is no table [genres]");
        assert!(error("[genres]\n[artists]\n").starts_with("genres.toml, line 2: `artists` is not known here"));
        assert!(error("[genres]\nrock = \"hard rock\"\n").starts_with("genres.toml, line 2: "));
        assert!(error("[genres]\nrock = [\n").starts_with("genres.toml, line "));
        assert_eq!(error("[genres]\nrock = [\" \"]\n"), "genres.toml, line 2: a name is empty");
    }
}
