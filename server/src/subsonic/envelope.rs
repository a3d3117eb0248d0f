//! What every answer is wrapped in.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::failure::{Code, Failure};
use super::parameters::Parameters;
use super::xml;
use crate::problem::Problem;

/// Version of the Subsonic API that is spoken, the last one.
const API_VERSION: &str = "1.16.1";

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Xml,
    Json,
}

impl Format {
    /// What a request asks for, and what is answered in if that cannot be had.
    pub fn of(parameters: &Parameters) -> (Self, Result<(), Failure>) {
        match parameters.text("f") {
            None | Some("xml") => (Self::Xml, Ok(())),
            Some("json") => (Self::Json, Ok(())),
            // A script of another site's page could read it.
            Some("jsonp") => (Self::Json, Err(Failure::new(Code::Generic, "jsonp is not answered: ask for json"))),
            Some(_) => (Self::Xml, Err(Failure::new(Code::Generic, "f is xml or json"))),
        }
    }
}

/// An answer, or why there is none: that, too, comes with status 200, but for methods that do not exist.
pub(super) fn respond(format: Format, told: Result<Value, Failure>) -> Response {
    let status = match &told {
        Err(Failure::NoMethod) => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    };
    let tree = envelope(told);
    match format {
        Format::Json => {
            let text = json!({ "subsonic-response": tree }).to_string();
            (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
        }
        Format::Xml => {
            let mut tree = tree;
            tree.insert("xmlns".into(), "http://subsonic.org/restapi".into());
            match xml::document("subsonic-response", &tree) {
                Ok(text) => (status, [(header::CONTENT_TYPE, "application/xml; charset=utf-8")], text).into_response(),
                Err(error) => Problem::internal(&error).into_response(),
            }
        }
    }
}

fn envelope(told: Result<Value, Failure>) -> Map<String, Value> {
    let mut tree = Map::new();
    let status = if told.is_ok() { "ok" } else { "failed" };
    let head: [(&str, Value); 5] = [
        ("status", status.into()),
        ("version", API_VERSION.into()),
        ("type", "similar-tracks".into()),
        ("serverVersion", env!("CARGO_PKG_VERSION").into()),
        ("openSubsonic", true.into()),
    ];
    tree.extend(head.map(|(key, value)| (key.to_owned(), value)));
    match told {
        Ok(Value::Object(told)) => tree.extend(told),
        Ok(_) => {}
        Err(failure) => {
            let (code, message) = failure.code_and_message();
            tree.insert("error".into(), json!({ "code": code as u8, "message": message }));
        }
    }
    tree.values_mut().for_each(leave_out_unknown);
    tree
}

/// Fields whose value is not known are not there.
fn leave_out_unknown(value: &mut Value) {
    match value {
        Value::Object(tree) => {
            tree.retain(|_, value| !value.is_null());
            tree.values_mut().for_each(leave_out_unknown);
        }
        Value::Array(values) => values.iter_mut().for_each(leave_out_unknown),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_and_a_failure_stand_in_the_same_envelope() {
        let tree = envelope(Ok(json!({ "song": { "id": "1", "year": null } })));
        let expected = json!({
            "status": "ok", "version": "1.16.1", "type": "similar-tracks",
            "serverVersion": env!("CARGO_PKG_VERSION"), "openSubsonic": true, "song": { "id": "1" },
        });
        assert_eq!(Value::Object(tree), expected);
        let tree = envelope(Err(Failure::missing("id")));
        assert_eq!(tree["status"], "failed");
        assert_eq!(tree["error"], json!({ "code": 10, "message": "the parameter id is missing" }));
    }

    #[test]
    fn a_method_that_does_not_exist_is_the_one_failure_with_a_status() {
        let status = |failure| respond(Format::Xml, Err(failure)).status();
        assert_eq!(status(Failure::NoMethod), StatusCode::NOT_FOUND);
        assert_eq!(status(Failure::not_found("")), StatusCode::OK);
        assert_eq!(status(Problem::busy("").into()), StatusCode::OK);
    }
}
