//! Whether a server wants a login.

/// Whether a server wants a login, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationStatus {
    /// The server never asked for authorization.
    NotAsked,
    /// There is a token, and no reason to doubt it.
    Authorized,
    /// A person has to log in, for this reason.
    LoginNeeded(String),
}

impl AuthorizationStatus {
    /// Why a login is needed; `None` if it is not.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::LoginNeeded(reason) => Some(reason),
            Self::NotAsked | Self::Authorized => None,
        }
    }
}
