//! VS Code's `inputs`: what an editor asks its user for, and `${input:id}` stands for in a server's strings.
//!
//! Nobody sits before a gateway, so the answers come from the environment: that of the input `github-token` is the
//! variable `INPUT_GITHUB_TOKEN`, and where it is not set, the input's own `default`. An input with neither is an error
//! at the start, as any variable is that is not set: a server without its secret would fail later and say less. Who does
//! not want the server disables it.

use std::collections::HashMap;

use super::{error::ConfigError, json::Node};

/// The variable that holds the answer to the input of this id.
pub(super) fn variable(id: &str) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' }
    };
    format!("INPUT_{}", id.chars().map(plain).collect::<String>())
}

/// The defaults of the inputs in this list, by their variables.
pub(super) fn defaults(node: &Node<'_>) -> Result<HashMap<String, String>, ConfigError> {
    let mut defaults = HashMap::new();
    for input in node.list()? {
        let input = input.object()?;
        if let (Some(id), Some(default)) = (input.get("id"), input.get("default")) {
            defaults.insert(variable(&id.string()?), default.text()?);
        }
    }
    Ok(defaults)
}
