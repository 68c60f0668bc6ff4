//! How to reach an MCP server.

use std::{env, ffi::OsString, path::PathBuf, time::Duration};

use http::HeaderMap;
use indexmap::IndexMap;
use url::Url;

use super::Sandbox;
use crate::{
    config::ForwardProxy,
    secret::{ExposeSecret as _, SecretString, same},
};

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
    /// Returns the URL and the headers; `None` for a child process.
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
    /// A program on PATH, or a path; `mcpo` is replaced by the path of this binary.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Whether it inherits this process's environment, except for `withheld`.
    pub inherits: bool,
    /// Added to what the child inherits, as for every other one; except for `withheld`.
    pub shared: IndexMap<String, SecretString>,
    /// Variables that the child does not inherit, since they hold secrets of the gateway or of other servers.
    pub withheld: Vec<String>,
    /// Its own variables, which come last.
    pub env: IndexMap<String, SecretString>,
    /// Its working directory; that of this process by default.
    pub cwd: Option<PathBuf>,
    /// What it may touch; `None` if it may do all that this process may.
    pub sandbox: Option<Sandbox>,
    /// When it is started anew.
    pub recycling: Recycling,
}

/// When a program is started anew although nothing is wrong with it. No call is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recycling {
    /// After so long without a call.
    pub idle: Option<Duration>,
    /// So long after its start.
    pub age: Option<Duration>,
}

impl Stdio {
    /// A program that inherits all, and has nothing of its own.
    pub fn new(program: PathBuf, args: Vec<String>) -> Self {
        Self {
            program,
            args,
            inherits: true,
            shared: IndexMap::default(),
            withheld: vec![],
            env: IndexMap::default(),
            cwd: None,
            sandbox: None,
            recycling: Recycling::default(),
        }
    }

    /// All of the program's environment.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let is_withheld = |name: &str| self.withheld.iter().any(|withheld| withheld == name);
        let is_own = |name: &str| self.env.contains_key(name) || is_withheld(name);
        let inherited = env::vars_os().filter(|_| self.inherits).filter(|(name, _)| {
            !name.to_str().is_some_and(|name| is_own(name) || self.shared.contains_key(name))
        });
        let shared = self.shared.iter().filter(|(name, _)| !is_own(name));
        let given = shared.chain(&self.env);
        let given = given.map(|(name, value)| (name.into(), value.expose_secret().into()));
        inherited.chain(given).collect()
    }

    /// The variable of this name, if it is given and not inherited.
    pub(crate) fn variable(&self, name: &str) -> Option<&SecretString> {
        let is_withheld = self.withheld.iter().any(|withheld| withheld == name);
        self.env.get(name).or_else(|| self.shared.get(name).filter(|_| !is_withheld))
    }
}

impl PartialEq for Stdio {
    fn eq(&self, other: &Self) -> bool {
        // Named one by one, so that a new field cannot be forgotten.
        let Self { program, args, inherits, shared, withheld, env, cwd, sandbox, recycling } = self;
        (program, args, cwd) == (&other.program, &other.args, &other.cwd)
            && (inherits, withheld) == (&other.inherits, &other.withheld)
            && (sandbox, recycling) == (&other.sandbox, &other.recycling)
            && same_variables(shared, &other.shared)
            && same_variables(env, &other.env)
    }
}

fn same_variables(one: &IndexMap<String, SecretString>, other: &IndexMap<String, SecretString>) -> bool {
    let is_there =
        |(name, value): (&String, &SecretString)| other.get(name).is_some_and(|it| same(it, value));
    one.len() == other.len() && one.iter().all(is_there)
}

/// A remote server.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// `http` or `https`, with a host.
    pub url: Url,
    /// Sent with every request; values are marked sensitive.
    pub headers: HeaderMap,
    /// The proxy for requests to it.
    pub proxy: ForwardProxy,
}

/// A server's `type`, or `--type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Stdio,
    Http,
    Sse,
}

impl Transport {
    /// Returns the transport of this name, in any spelling that clients use.
    pub(crate) fn parse(name: &str) -> Option<Self> {
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
