//! One MCP server as configured, and all of them.

use std::collections::HashSet;

use super::{Bounds, HeaderForwarding, Upstream};
use crate::{config::OAuth, secret::KnownSecrets};

/// One configured MCP server. Two are equal if everything that they are built from is equal.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Its name in URLs, logs and documents; not empty.
    pub name: String,
    /// How to reach it.
    pub upstream: Upstream,
    /// Which of its tools are served.
    pub tools: ToolFilter,
    /// How arguments are checked.
    pub validation: Validation,
    /// How results become bodies.
    pub results: ResultStyle,
    /// Its timeouts and limits.
    pub bounds: Bounds,
    /// OAuth settings; only a remote server has them.
    pub oauth: Option<OAuth>,
    /// Which of the caller's headers are forwarded; `None` if none are.
    pub forwarding: Option<HeaderForwarding>,
    /// Its secrets, known for as long as it is in use, also by calls that outlive its configuration.
    pub secrets: KnownSecrets,
}

impl Server {
    /// A server with nothing set but how it is reached.
    pub(crate) fn plain(name: &str, upstream: Upstream, bounds: Bounds) -> Self {
        Self {
            name: name.to_owned(),
            upstream,
            tools: ToolFilter::default(),
            validation: Validation::default(),
            results: ResultStyle::default(),
            bounds,
            oauth: None,
            forwarding: None,
            secrets: KnownSecrets::default(),
        }
    }
}

/// `enabledTools` and `disabledTools`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolFilter {
    /// If given, only these.
    pub enabled: Option<HashSet<String>>,
    /// Never these.
    pub disabled: HashSet<String>,
}

impl ToolFilter {
    /// Whether the tool is served.
    pub fn allows(&self, tool: &str) -> bool {
        self.enabled.as_ref().is_none_or(|enabled| enabled.contains(tool)) && !self.disabled.contains(tool)
    }
}

/// How arguments are checked before they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Validation {
    /// Checked. Invalid arguments are corrected if their meaning is plain (`"5"` for 5).
    #[default]
    Lax,
    /// Checked as sent.
    Strict,
    /// Passed on as sent.
    Off,
}

/// How results become bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResultStyle {
    /// Structured content where the tool declares an output schema, else the content items.
    #[default]
    Auto,
    /// Always the content items, as the Python mcpo does.
    Text,
}

/// One server at the root, or several under their names.
#[derive(Debug)]
pub enum Servers {
    /// `mcpo -- command`: tools are `POST /{tool}`.
    Single(Box<Server>),
    /// `mcpo --config file`: tools are `POST /{server}/{tool}`. Names are unique, in the file's order;
    /// disabled servers are left out.
    Many(Vec<Server>),
}

impl Servers {
    /// All servers, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Server> {
        match self {
            Self::Single(server) => std::slice::from_ref(&**server).iter(),
            Self::Many(servers) => servers.iter(),
        }
    }

    /// The same, to change.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Server> {
        match self {
            Self::Single(server) => std::slice::from_mut(&mut **server).iter_mut(),
            Self::Many(servers) => servers.iter_mut(),
        }
    }
}
