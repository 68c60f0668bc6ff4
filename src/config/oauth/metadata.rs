//! Client metadata for registration (RFC 7591 section 2): extensions pass, what the RFC names is checked.

use serde_json::{Map, Value};

use super::client;
use crate::config::{ConfigError, http_url, json::ConfigNode};

const STRINGS: [&str; 10] = [
    "client_name",
    "client_uri",
    "jwks_uri",
    "logo_uri",
    "policy_uri",
    "scope",
    "software_id",
    "software_statement",
    "software_version",
    "tos_uri",
];
const LISTS: [&str; 3] = ["contacts", "grant_types", "response_types"];
/// What an authorization server answers to a registration, or a person enters by hand.
const ANSWERS: [&str; 2] = ["client_id", "client_secret"];

/// Returns the members as they are written, without those that are null.
pub(super) fn parse(node: &ConfigNode<'_>) -> Result<Map<String, Value>, ConfigError> {
    let object = node.object()?;
    if let Some(answer) = ANSWERS.iter().find_map(|key| object.get(key)) {
        return Err(answer.error(
            "is not registered but belongs to a registered client; move it up, into \"oauth\" itself",
        ));
    }
    for key in STRINGS {
        object.read(key, ConfigNode::string)?;
    }
    for key in LISTS {
        object.read(key, ConfigNode::strings)?;
    }
    object.read("token_endpoint_auth_method", client::method)?;
    object.read("redirect_uris", |node| node.list()?.iter().try_for_each(check_redirect_uri))?;
    let mut metadata = object.json()?;
    metadata.retain(|_, value| !value.is_null());
    Ok(metadata)
}

/// Something that mcpo or a proxy before it can answer at; without a fragment (RFC 6749 section 3.1.2).
fn check_redirect_uri(node: &ConfigNode<'_>) -> Result<(), ConfigError> {
    let url = http_url::parse(&node.string()?).map_err(|error| node.error(error))?;
    match url.fragment() {
        Some(_) => Err(node.error("a redirect URI has no fragment; remove # and what follows it")),
        None => Ok(()),
    }
}
