//! Who asks: OpenSubsonic has it said in parameters.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::StatusCode;

use super::failure::{Code, Failure};
use super::parameters::Parameters;
use crate::access::{Access, Caller, recognise};
use crate::users::Credential;

/// Who asks; where there are no users, whoever it is.
///
/// # Errors
/// Nobody who is known, or not said as it has to be.
pub(super) async fn caller_of(access: &Arc<Access>, parameters: &Parameters, from: IpAddr) -> Result<Caller, Failure> {
    if !access.asks_who() {
        return Ok(Caller::nobody_in_particular());
    }
    let credential = credential_of(parameters)?;
    let is_key = matches!(credential, Credential::ApiKey(_));
    recognise(Arc::clone(access), credential, from).await.map_err(|problem| match problem.status {
        StatusCode::UNAUTHORIZED if is_key => Failure::new(Code::WrongKey, "wrong API key"),
        StatusCode::UNAUTHORIZED => Failure::new(Code::WrongUser, "wrong name, password or token"),
        _ => problem.into(),
    })
}

/// An API key alone, or a name with a password or with a token and its salt.
fn credential_of(parameters: &Parameters) -> Result<Credential, Failure> {
    let conflicting = || Failure::new(Code::ConflictingCredentials, "these parameters say twice who asks");
    if let Some(key) = parameters.text("apiKey") {
        let others = ["u", "p", "t", "s"].into_iter().any(|name| parameters.text(name).is_some());
        return if others { Err(conflicting()) } else { Ok(Credential::ApiKey(key.into())) };
    }
    let name = parameters.needed("u")?.to_owned();
    match (parameters.text("p"), parameters.text("t")) {
        (Some(_), Some(_)) => Err(conflicting()),
        (Some(password), None) => Ok(Credential::Password { name, password: plain(password)? }),
        (None, Some(token)) => {
            Ok(Credential::Token { name, token: token.into(), salt: parameters.needed("s")?.into() })
        }
        (None, None) => Err(Failure::missing("p, or t with s,")),
    }
}

/// A password, which may be hidden from glances: `enc:` and its bytes in hexadecimal digits.
fn plain(password: &str) -> Result<String, Failure> {
    let Some(digits) = password.strip_prefix("enc:") else { return Ok(password.into()) };
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Failure::new(Code::WrongUser, "what follows enc: is no password in hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Credential, Code> {
        credential_of(&Parameters::parse(text)).map_err(|failure| failure.code_and_message().0)
    }

    #[test]
    fn who_asks_is_said_in_three_ways_and_in_one_at_a_time() {
        let password = |password: &str| Credential::Password { name: "joe".into(), password: password.into() };
        // The examples of the specification.
        assert!(of("u=joe&p=sesame") == Ok(password("sesame")));
        assert!(of("u=joe&p=enc:736573616d65") == Ok(password("sesame")));
        assert!(of("u=joe&p=enc:C3A9") == Ok(password("é")));
        let token = Credential::Token { name: "joe".into(), token: "26719a".into(), salt: "c19b2d".into() };
        assert!(of("u=joe&t=26719a&s=c19b2d") == Ok(token));
        assert!(of("apiKey=k") == Ok(Credential::ApiKey("k".into())));
        for (text, code) in [
            ("", Code::MissingParameter),
            ("u=joe", Code::MissingParameter),
            ("p=sesame", Code::MissingParameter),
            ("u=joe&t=26719a", Code::MissingParameter),
            ("u=joe&p=enc:7", Code::WrongUser),
            ("u=joe&p=enc:ff", Code::WrongUser),
            ("apiKey=k&u=joe", Code::ConflictingCredentials),
            ("u=joe&p=sesame&t=26719a&s=c19b2d", Code::ConflictingCredentials),
        ] {
            assert!(of(text) == Err(code), "{text}");
        }
    }
}
