//! What a request says: parameters behind the question mark, and those of a form.

use axum::body::{Body, to_bytes};
use axum::http::{Method, header, request::Parts};
use index::TrackId;
use percent_encoding::percent_decode_str;

use super::failure::{Code, Failure};
use super::ids::Id;

/// Bytes of a form at most: a playlist of some ten thousand tracks.
const FORM_BYTES: usize = 256 << 10;

/// Names and values in the order in which they came. There are passwords among them: they are never printed.
#[derive(Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Of a text of `name=value` pairs, as addresses and forms have it.
    pub fn parse(text: &str) -> Self {
        let plain = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (plain(name), plain(value))
        };
        Self(text.split('&').filter(|pair| !pair.is_empty()).map(pair).collect())
    }

    /// Adds those of a form that is the body (the extension `formPost`).
    ///
    /// # Errors
    /// Where it is too long, or does not arrive.
    pub async fn add_form(&mut self, head: &Parts, body: Body) -> Result<(), Failure> {
        let kind = head.headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes()).unwrap_or_default();
        if head.method != Method::POST || !kind.starts_with(b"application/x-www-form-urlencoded") {
            return Ok(());
        }
        let broken = |_| Failure::new(Code::Generic, format!("a form may have {} KiB", FORM_BYTES >> 10));
        let bytes = to_bytes(body, FORM_BYTES).await.map_err(broken)?;
        self.0.extend(Self::parse(&String::from_utf8_lossy(&bytes)).0);
        Ok(())
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same of one that has to be there.
    ///
    /// # Errors
    /// Where it is not.
    pub fn needed(&self, name: &str) -> Result<&str, Failure> {
        self.text(name).ok_or_else(|| Failure::missing(name))
    }

    /// A number; an empty value is none.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let number = |text: &str| text.parse().map_err(|_| Failure::new(Code::Generic, format!("{name} is no number")));
        self.text(name).filter(|text| !text.is_empty()).map(number).transpose()
    }

    /// How many of something, `most` where more are asked for.
    ///
    /// # Errors
    /// Where it is no number.
    pub fn count(&self, name: &str, default: usize, most: usize) -> Result<usize, Failure> {
        Ok(self.number(name)?.unwrap_or(default).min(most))
    }

    /// A truth value.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, Failure> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| Failure::new(Code::Generic, format!("{name} is neither true nor false")))
            }
        }
    }

    /// What the parameter `id` names.
    ///
    /// # Errors
    /// Where it is missing, or was never given out.
    pub fn id(&self) -> Result<Id, Failure> {
        parsed(self.needed("id")?)
    }

    /// All that a parameter names.
    ///
    /// # Errors
    /// Where one was never given out.
    pub fn ids(&self, name: &str) -> Result<Vec<Id>, Failure> {
        self.all(name).map(parsed).collect()
    }

    /// The track that a parameter names.
    ///
    /// # Errors
    /// Where it is missing, or no track's.
    pub fn track(&self, name: &str) -> Result<TrackId, Failure> {
        track_of(self.needed(name)?)
    }

    /// All tracks that a parameter names.
    ///
    /// # Errors
    /// Where one is no track's.
    pub fn tracks(&self, name: &str) -> Result<Vec<TrackId>, Failure> {
        self.all(name).map(track_of).collect()
    }
}

fn parsed(text: &str) -> Result<Id, Failure> {
    Id::parse(text).ok_or_else(|| Failure::not_found("there is nothing of this id"))
}

fn track_of(text: &str) -> Result<TrackId, Failure> {
    match parsed(text)? {
        Id::Track(track) => Ok(track),
        _ => Err(Failure::not_found("this id is no song's")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_names_may_repeat() {
        let parameters = Parameters::parse("a=1&b=x+%26%C3%A9&a=2&&c&d==%ff");
        assert_eq!(parameters.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((parameters.text("b"), parameters.text("c")), (Some("x &é"), Some("")));
        assert_eq!((parameters.text("d"), parameters.text("e")), (Some("=\u{fffd}"), None));
    }

    #[test]
    fn numbers_are_bounded_and_what_is_none_is_refused() {
        let parameters = Parameters::parse("count=9999&size=&offset=-1&submission=TRUE&id=7");
        assert_eq!(parameters.count("count", 10, 500), Ok(500));
        assert_eq!(parameters.count("size", 10, 500), Ok(10));
        assert_eq!(parameters.track("id"), Ok(TrackId(7)));
        assert!(parameters.count("offset", 0, 500).is_err() && parameters.flag("submission", true).is_err());
        assert_eq!(parameters.needed("query").err(), Some(Failure::missing("query")));
    }
}
