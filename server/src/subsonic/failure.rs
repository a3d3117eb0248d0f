//! Why a method fails, as OpenSubsonic has it told.

use axum::http::StatusCode;

use crate::problem::Problem;

/// Codes of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Generic = 0,
    MissingParameter = 10,
    WrongUser = 40,
    ConflictingCredentials = 43,
    WrongKey = 44,
    NotAllowed = 50,
    NotFound = 70,
}

/// A method that failed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Failure {
    /// There is no such method.
    NoMethod,
    /// What was asked does not fit.
    Refused { code: Code, message: String },
    /// What the library reports.
    Problem(Problem),
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into() }
    }

    pub fn missing(name: &str) -> Self {
        Self::new(Code::MissingParameter, format!("the parameter {name} is missing"))
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// The code, and a sentence for a person.
    pub fn code_and_message(&self) -> (Code, &str) {
        match self {
            Self::NoMethod => (Code::Generic, "this server has no such method"),
            Self::Refused { code, message } => (*code, message),
            Self::Problem(problem) => {
                let code = match problem.status {
                    StatusCode::UNAUTHORIZED => Code::WrongUser,
                    StatusCode::FORBIDDEN => Code::NotAllowed,
                    StatusCode::NOT_FOUND => Code::NotFound,
                    _ => Code::Generic,
                };
                (code, &problem.detail)
            }
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<index::Error> for Failure {
    fn from(error: index::Error) -> Self {
        Self::Problem(error.into())
    }
}
