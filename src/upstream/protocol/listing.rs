//! What a connected server offers: its name, its instructions and its tools.

use rmcp::model::ServerPeerInfo;

use super::tool::ToolDefinition;
use crate::{bounds::Bound, secret::redact};

/// How much of a server's name is kept, and of its version, in bytes.
const LONGEST_NAME: usize = 512;
/// How much of its instructions is kept, in bytes.
const LONGEST_INSTRUCTIONS: usize = 64 << 10;

/// What a connected server offers.
#[derive(Debug, PartialEq)]
pub struct Listing {
    /// Its name, its version and its instructions.
    pub info: ServerInfo,
    /// Its tools, in its own order; names are unique.
    pub tools: Vec<ToolDefinition>,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// Its own name, or the configured one if it gives none.
    pub name: String,
    /// Its own version, empty if it gives none.
    pub version: String,
    /// How it wants to be used.
    pub instructions: Option<String>,
}

impl ServerInfo {
    /// It is redacted: a server may repeat what it was sent.
    pub(crate) fn new(configured: &str, peer: Option<&ServerPeerInfo>) -> Self {
        let given = peer.and_then(|peer| peer.server_info.as_ref()).filter(|info| !info.name.is_empty());
        let instructions = peer.and_then(|peer| peer.instructions.as_deref()).filter(|text| !text.is_empty());
        Self {
            name: clipped(&redact(given.map_or(configured, |info| &info.name)), LONGEST_NAME),
            version: clipped(&redact(given.map_or("", |info| &info.version)), LONGEST_NAME),
            instructions: instructions.map(|text| clipped(&redact(text), LONGEST_INSTRUCTIONS)),
        }
    }
}

/// The text, or as much of its beginning as is kept.
fn clipped(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    Bound::Handshake.hit();
    format!("{}…", &text[..text.floor_char_boundary(most)])
}
