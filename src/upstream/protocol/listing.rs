//! What a connected server offers: its name, its instructions and its tools.

use rmcp::model::ServerPeerInfo;

use super::tool::ToolDefinition;

/// What a connected server offers.
#[derive(Debug)]
pub struct Listing {
    /// Its name, its version and its instructions.
    pub info: ServerInfo,
    /// Its tools, in its own order; names are unique.
    pub tools: Vec<ToolDefinition>,
}

/// What a server says of itself.
#[derive(Debug, Clone)]
pub struct ServerInfo {
    /// Its own name, or the configured one if it gives none.
    pub name: String,
    /// Its own version, empty if it gives none.
    pub version: String,
    /// How it wants to be used.
    pub instructions: Option<String>,
}

impl ServerInfo {
    pub(crate) fn new(configured: &str, peer: Option<&ServerPeerInfo>) -> Self {
        let given = peer.and_then(|peer| peer.server_info.as_ref()).filter(|info| !info.name.is_empty());
        Self {
            name: given.map_or(configured, |info| &info.name).to_owned(),
            version: given.map_or("", |info| &info.version).to_owned(),
            instructions: peer.and_then(|peer| peer.instructions.clone()).filter(|text| !text.is_empty()),
        }
    }
}
