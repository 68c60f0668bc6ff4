//! VS Code's `inputs`: questions that an editor asks its user. `${input:id}` stands for an answer.
//!
//! A gateway has no user to ask. The answer to the input `github-token` is the environment variable
//! `INPUT_GITHUB_TOKEN`, or else the input's own `default`. Without either, the configuration is refused: a server
//! without its secret would fail later, with a less helpful message. To start without that server, disable it.

use std::collections::HashMap;

use super::{ConfigNode, expand::input_variable};
use crate::config::ConfigError;

/// The defaults of the inputs in this list, by their variables.
pub(crate) fn defaults(node: &ConfigNode<'_>) -> Result<HashMap<String, String>, ConfigError> {
    let mut defaults = HashMap::new();
    for input in node.list()? {
        let input = input.object()?;
        if let (Some(id), Some(default)) = (input.get("id"), input.get("default")) {
            defaults.insert(input_variable(&id.string()?), default.text()?);
        }
    }
    Ok(defaults)
}
