//! One MCP server as configured: how to reach it and how to present its tools.

use std::{collections::HashSet, path::PathBuf};

use http::HeaderMap;
use indexmap::IndexMap;
use url::Url;

use super::{Bounds, ForwardProxy, HeaderForwarding, OAuth};
use crate::secret::{SecretString, same};

/// One configured MCP server. Equal where nothing that it is built from differs.
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
    /// How long it may take, and how much is asked of it at once.
    pub bounds: Bounds,
    /// OAuth towards the server, which is a remote one.
    pub oauth: Option<OAuth>,
    /// Which of the caller's headers travel on; nothing where none do.
    pub forwarding: Option<HeaderForwarding>,
}

/// How to reach an MCP server.
#[derive(Debug, Clone, PartialEq)]
pub enum Upstream {
    /// A child process that speaks over stdin and stdout.
    Stdio(Stdio),
    /// Streamable HTTP.
    Http(Remote),
    /// HTTP+SSE, the transport of protocol version 2024-11-05.
    Sse(Remote),
    /// A URL without a type: streamable HTTP is tried first, then HTTP+SSE.
    Probe(Remote),
}

impl Upstream {
    /// The URL and the headers, where it is no child process.
    pub fn remote(&self) -> Option<&Remote> {
        match self {
            Self::Stdio(_) => None,
            Self::Http(remote) | Self::Sse(remote) | Self::Probe(remote) => Some(remote),
        }
    }
}

/// A child process to start.
#[derive(Debug, Clone)]
pub struct Stdio {
    /// A program on PATH or a path; `mcpo` has become the path of this very binary.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Whether it inherits this process's environment, without what is withheld.
    pub inherits: bool,
    /// Variables that the child does not inherit: they hold the gateway's own keys.
    pub withheld: Vec<String>,
    /// Added to what the child inherits.
    pub env: IndexMap<String, SecretString>,
    /// Its working directory; this process's own by default.
    pub cwd: Option<PathBuf>,
}

impl PartialEq for Stdio {
    fn eq(&self, other: &Self) -> bool {
        // Named one by one, so that a new field cannot be forgotten.
        let Self { program, args, inherits, withheld, env, cwd } = self;
        let same_variable =
            |(name, value): (&String, &SecretString)| other.env.get(name).is_some_and(|it| same(it, value));
        (program, args, cwd) == (&other.program, &other.args, &other.cwd)
            && (inherits, withheld) == (&other.inherits, &other.withheld)
            && env.len() == other.env.len()
            && env.iter().all(same_variable)
    }
}

/// A remote server.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// `http` or `https`, with a host.
    pub url: Url,
    /// Sent with every request; values are marked sensitive.
    pub headers: HeaderMap,
    /// By which requests go there.
    pub proxy: ForwardProxy,
}

/// `enabledTools` and `disabledTools`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolFilter {
    /// Only these, where given.
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

/// How arguments are checked before they travel on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Validation {
    /// Checked; what is invalid as sent is mended where its meaning is plain (`"5"` for 5).
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

/// A server's `type`, or `--type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Stdio,
    Http,
    Sse,
}

impl Transport {
    /// The transport of this name, in any of the spellings that clients write.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match letters.to_ascii_lowercase().as_str() {
            // GitHub Copilot calls it local.
            "stdio" | "local" => Some(Self::Stdio),
            "sse" => Some(Self::Sse),
            "streamablehttp" | "streamable" | "httpstream" | "http" => Some(Self::Http),
            _ => None,
        }
    }
}
