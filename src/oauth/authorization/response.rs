//! The authorization response: what the authorization server sends the browser back with (RFC 6749 section 4.1.2,
//! RFC 9207).

use url::form_urlencoded;

use crate::{
    oauth::{
        discovery::{challenge::line, search::Discovered},
        error::AuthError,
    },
    secret::SecretString,
};

/// The parameters of the redirect URI (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207 section 2).
#[derive(Default)]
pub(crate) struct AuthorizationResponse {
    pub(crate) state: Option<String>,
    code: Option<SecretString>,
    iss: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl AuthorizationResponse {
    /// Reads the query of the redirect URI.
    pub(crate) fn parse(query: &str) -> Self {
        let mut response = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "state" => response.state = Some(value.into_owned()),
                "code" => response.code = Some(value.into_owned().into()),
                "iss" => response.iss = Some(value.into_owned()),
                "error" => response.error = line(&value),
                "error_description" => response.description = line(&value),
                _ => {}
            }
        }
        response
    }

    /// The code, if this is a successful answer of `found`'s server and a good one.
    pub(crate) fn code(self, found: &Discovered) -> Result<SecretString, AuthError> {
        let refuse = |reason: String| Err(AuthError::Unfit(reason));
        match &self.iss {
            Some(iss) if *iss != found.server.issuer => {
                return refuse(
                    "the answer came from another authorization server than the one asked (RFC 9207)".into(),
                );
            }
            None if found.server.iss_parameter => {
                return refuse(
                    "the answer does not say which authorization server it came from (RFC 9207)".into(),
                );
            }
            _ => {}
        }
        match (self.error, self.description, self.code) {
            (Some(error), description, _) if error == "access_denied" => {
                refuse(format!("access was denied{}", also(description)))
            }
            (Some(error), description, _) => {
                refuse(format!("the authorization server answered {error}{}", also(description)))
            }
            (None, _, Some(code)) => Ok(code),
            (None, _, None) => refuse("the authorization server sent neither a code nor an error".into()),
        }
    }
}

fn also(description: Option<String>) -> String {
    description.map(|text| format!(": {text}")).unwrap_or_default()
}
