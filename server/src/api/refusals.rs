//! What every route may answer instead.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::problem::ProblemDetails;

/// Problem details of every status that this server gives; their schema stands among the document's components.
pub(crate) struct Refusals;

/// Statuses, and when they are given.
const STATUSES: [(u16, &str); 15] = [
    (400, "something of the request does not fit"),
    (401, "who asks has to say who they are"),
    (403, "it may not be asked for"),
    (404, "there is no such thing"),
    (405, "the path has no such method"),
    (408, "the request took too long to arrive"),
    (413, "the body is too large"),
    (415, "the body is not what is taken"),
    (416, "the file has no such range"),
    (421, "the server is not called so"),
    (422, "each part of the request fits, and all of them do not, or what was sent cannot be listened to"),
    (429, "too many requests"),
    (500, "something went wrong; the server's log has the reason"),
    (503, "too much at once; trying again may help"),
    (507, "no space is left"),
];

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let content = || ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemDetails::name()))).build();
        let response = |(status, description): (u16, &str)| {
            let response = ResponseBuilder::new().description(description);
            (status.to_string(), response.content("application/problem+json", content()).build().into())
        };
        STATUSES.map(response).into()
    }
}
