//! Further parameters of authorization requests and token requests.
//!
//! Invariant: a name is given once, and mcpo does not set it itself. A configuration cannot change what binds a request to
//! its browser, to mcpo and to its grant.

use crate::config::{ConfigError, json::ConfigNode};

/// Parameters that mcpo sets itself or does not use (RFC 6749, 7523, 7636, 8707; RFC 9101 replaces a whole request), and
/// what to configure instead, if anything.
const RESERVED: [(&str, &str); 20] = [
    ("assertion", ""),
    ("client_assertion", "give \"private_key\" or \"private_key_file\""),
    ("client_assertion_type", "give \"private_key\" or \"private_key_file\""),
    ("client_id", "give \"client_id\" in the oauth block itself"),
    ("client_secret", "give \"client_secret\" or \"client_secret_file\" in the oauth block itself"),
    ("code", ""),
    ("code_challenge", ""),
    ("code_challenge_method", ""),
    ("code_verifier", ""),
    ("grant_type", "give \"grant_type\" in the oauth block itself"),
    ("password", ""),
    ("redirect_uri", "give \"callback_port\", or the option --public-url"),
    ("refresh_token", ""),
    ("request", ""),
    ("request_uri", ""),
    ("resource", "leave it out with \"resource_parameter\": false"),
    ("response_mode", ""),
    ("response_type", ""),
    ("scope", "give \"scope\" in \"client_metadata\""),
    ("state", ""),
];

/// Returns the parameters in order. Values may be numbers and booleans; `null` and an empty string are absent.
pub(super) fn parse(node: &ConfigNode<'_>) -> Result<Vec<(String, String)>, ConfigError> {
    let object = node.object()?;
    let mut parameters: Vec<(String, String)> = Vec::new();
    for (name, node) in object.entries() {
        if name.is_empty() || !name.bytes().all(is_name_char) {
            return Err(node.error("not a parameter's name; use letters, digits, -, . and _"));
        }
        if let Some((_, instead)) = RESERVED.iter().find(|(reserved, _)| reserved.eq_ignore_ascii_case(name))
        {
            let instead = if instead.is_empty() { "remove it" } else { instead };
            return Err(node.error(format_args!("mcpo sets this parameter itself; {instead}")));
        }
        let value = object.read(name, ConfigNode::text)?;
        parameters.extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value)));
    }
    Ok(parameters)
}

/// `name-char` of RFC 6749 appendix A.
fn is_name_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}
