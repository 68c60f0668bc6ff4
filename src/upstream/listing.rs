//! What a server offers: its name, its instructions and its tools, read whole.

use std::collections::HashSet;

use rmcp::model::ServerPeerInfo;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value, value::RawValue};
use tracing::warn;

use super::{
    connection::Caller,
    error::ConnectError,
    message::{Params, RpcError},
};

/// A server that pages without end stops being listened to here.
const MOST_PAGES: usize = 1000;

/// JSON-RPC 2.0 section 5.1.
const METHOD_NOT_FOUND: i64 = -32601;

/// What a connected server offers.
#[derive(Debug)]
pub struct Listing {
    /// Who it says it is.
    pub info: ServerInfo,
    /// Its tools, in its own order; names are unique.
    pub tools: Vec<Tool>,
}

/// Who a server says it is.
#[derive(Debug, Clone)]
pub struct ServerInfo {
    /// Its own name, or the configured one where it tells none.
    pub name: String,
    /// Its own version, empty where it tells none.
    pub version: String,
    /// How it wants to be used.
    pub instructions: Option<String>,
}

impl ServerInfo {
    pub(super) fn new(configured: &str, peer: Option<&ServerPeerInfo>) -> Self {
        let told = peer.and_then(|peer| peer.server_info.as_ref());
        Self {
            name: told.map_or(configured, |info| &info.name).to_owned(),
            version: told.map_or("", |info| &info.version).to_owned(),
            instructions: peer.and_then(|peer| peer.instructions.clone()).filter(|text| !text.is_empty()),
        }
    }
}

/// A tool as the server describes it (MCP 2025-11-25, Tools), its schemas untouched.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// Its name, unique within its server.
    pub name: String,
    /// A name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// Hints about what it does.
    #[serde(default)]
    pub annotations: Option<Value>,
    /// Pictures.
    #[serde(default)]
    pub icons: Option<Value>,
    /// The schema of its arguments.
    #[serde(deserialize_with = "schema")]
    pub input_schema: Map<String, Value>,
    /// The schema of its structured result.
    #[serde(default, deserialize_with = "optional_schema")]
    pub output_schema: Option<Map<String, Value>>,
}

impl Tool {
    /// Whether a second run does no more than the first: the tool is annotated read-only or idempotent (MCP
    /// 2025-11-25, ToolAnnotations).
    pub fn repeatable(&self) -> bool {
        self.read_only() || self.hints("idempotentHint")
    }

    /// Whether its server says that it changes nothing.
    pub fn read_only(&self) -> bool {
        self.hints("readOnlyHint")
    }

    fn hints(&self, name: &str) -> bool {
        self.annotations.as_ref().and_then(|hints| hints.get(name)?.as_bool()) == Some(true)
    }
}

/// A schema is an object. One nested too deeply to be read allows any object: that costs the tool its checks and
/// no other tool anything.
fn schema<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    match serde_json::from_str(raw) {
        Ok(schema) => Ok(schema),
        Err(error) if !raw.starts_with('{') => Err(de::Error::custom(error)),
        Err(error) => {
            warn!(%error, "a schema cannot be read; anything is allowed in its place");
            Ok(Map::from_iter([("type".to_owned(), "object".into())]))
        }
    }
}

fn optional_schema<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Map<String, Value>>, D::Error> {
    let raw = Option::<&RawValue>::deserialize(deserializer)?;
    raw.map(schema).transpose().map_err(de::Error::custom)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    #[serde(default)]
    next_cursor: Option<String>,
}

/// Lists all pages of the server's tools. A tool that cannot be read is left out, with a warning.
pub(super) async fn tools(server: &str, caller: &Caller) -> Result<Vec<Tool>, ConnectError> {
    let mut tools = Vec::new();
    let mut names = HashSet::new();
    let mut cursor: Option<String> = None;
    let mut seen = HashSet::new();
    for number in 1.. {
        let params = Params { cursor: cursor.as_deref(), ..Params::default() };
        let page = match caller.request("tools/list", params).await? {
            Ok(page) => page,
            // A server of resources or prompts alone.
            Err(RpcError { code: METHOD_NOT_FOUND, .. }) => break,
            Err(error) => return Err(ConnectError::Listing(error.message)),
        };
        let page: Page<'_> =
            serde_json::from_str(page.get()).map_err(|error| ConnectError::Listing(error.to_string()))?;
        for tool in page.tools.iter().filter_map(|tool| read_tool(server, tool)) {
            if names.insert(tool.name.clone()) {
                tools.push(tool);
            } else {
                warn!(server, tool = tool.name, "left out a tool: the server lists its name twice");
            }
        }
        match page.next_cursor {
            None => break,
            Some(next) if !seen.insert(next.clone()) => {
                warn!(server, "stopped listing tools: the server repeats a page");
                break;
            }
            Some(_) if number == MOST_PAGES => {
                warn!(server, "stopped listing tools after {MOST_PAGES} pages");
                break;
            }
            next => cursor = next,
        }
    }
    caller.read_param_headers(server, &mut tools);
    Ok(tools)
}

fn read_tool(server: &str, tool: &RawValue) -> Option<Tool> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    match serde_json::from_str::<Tool>(tool.get()) {
        Ok(tool) => Some(tool),
        Err(error) => {
            let name = serde_json::from_str(tool.get()).map_or_else(|_| "?".into(), |Named { name }| name);
            warn!(server, tool = name, %error, "left out a tool that cannot be read");
            None
        }
    }
}
