//! The configuration: flags and file, parsed once into types that cannot be wrong.
//!
//! Later code never re-checks what stands here. Every error names the file, the line, the key and what to do.

mod audit;
mod bounds;
mod cors;
mod entry;
mod env_file;
mod environment;
mod error;
mod expand;
mod file;
mod foreign;
mod forward_proxy;
mod forwarding;
mod guard;
mod inputs;
mod json;
mod jwt;
mod keys;
mod limits;
mod load;
mod logins;
mod oauth;
mod options;
mod overlay;
mod permission;
mod prefix;
mod program;
mod proxies;
mod rate;
mod remote;
mod server;
mod service_manager;
mod signing_key;
mod single;
mod source;
#[cfg(test)]
mod tests;
mod tls;
mod tokens;

pub use audit::Audit;
pub use bounds::Bounds;
pub use environment::Environment;
pub use error::{ConfigError, nearest};
pub use forward_proxy::ForwardProxy;
pub use forwarding::HeaderForwarding;
pub use guard::Guard;
pub use jwt::{Issuer, Jwt};
pub use keys::Key;
pub use limits::Limits;
pub use logins::Logins;
pub use oauth::{ClientAuthMethod, ClientCredential, Grant, OAuth, StaticClient, TokenStorage};
pub use options::{Given, Options};
pub use permission::Permission;
pub use proxies::Proxies;
pub use rate::Rate;
use server::Transport;
pub use server::{Remote, ResultStyle, Server, Stdio, ToolFilter, Upstream, Validation};
pub use service_manager::ServiceManager;
pub use signing_key::SigningKey;
pub use tls::{Certificate, Clients, Tls};
pub use tokens::Tokens;

use std::{num::NonZeroU32, path::PathBuf};

use url::Url;

/// Everything `mcpo` needs to know to run.
#[derive(Debug)]
pub struct Config {
    /// Where to listen, and with which certificate.
    pub listen: Listen,
    /// The port that `/metrics` has of its own, on the same host; 0 lets the system choose.
    pub metrics_port: Option<u16>,
    /// Where the API appears to clients.
    pub base: BasePath,
    /// Who may call.
    pub guard: Guard,
    /// What the root document (or the only document) says of itself.
    pub about: About,
    /// How operations are named.
    pub operation_ids: OperationIds,
    /// How large messages may be, and how long the end may take.
    pub limits: Limits,
    /// When `/readyz` says that the gateway is ready.
    pub readiness: Readiness,
    /// How people log in to servers, and where the tokens are kept.
    pub logins: Logins,
    /// The MCP servers behind this gateway.
    pub servers: Servers,
    /// By which mcpo's own requests go.
    pub proxy: ForwardProxy,
    /// The config file, where its edits are to be followed (`--hot-reload`).
    pub followed: Option<PathBuf>,
    /// Where calls are recorded, if they are.
    pub audit: Option<Audit>,
    /// What is logged.
    pub log_level: LogLevel,
    /// How it is written.
    pub log_format: LogFormat,
    /// The OpenTelemetry collector that spans are sent to.
    pub otlp_endpoint: Option<Url>,
    /// Who has started mcpo and wants to know how far it is.
    pub service_manager: Option<ServiceManager>,
    /// What was odd, but no error, each with its place; to be logged once logging is up.
    pub warnings: Vec<String>,
}

impl Config {
    /// Refuses a single server whose program cannot be started: for the start of mcpo, which then has nothing to serve.
    ///
    /// # Errors
    ///
    /// There is no such program, or it is not one.
    pub fn require_program(&self, environment: &Environment) -> Result<(), ConfigError> {
        let Servers::Single(server) = &self.servers else { return Ok(()) };
        let Upstream::Stdio(stdio) = &server.upstream else { return Ok(()) };
        match program::fault(stdio, environment) {
            None => Ok(()),
            Some(fault) => {
                Err(ConfigError::new(format!("cannot start \"{}\": {fault}", stdio.program.display())))
            }
        }
    }

    /// The remote server of this name, or else the only one.
    ///
    /// # Errors
    ///
    /// There is no such server, or no telling which is meant.
    pub fn remote_server(&self, name: Option<&str>) -> Result<&Server, ConfigError> {
        let remote: Vec<_> =
            self.servers.iter().filter(|server| server.upstream.remote().is_some()).collect();
        let names = || remote.iter().map(|server| server.name.as_str()).collect::<Vec<_>>().join(", ");
        let refuse = |message: String| Err(ConfigError::new(message));
        match (name, &self.servers, remote.as_slice()) {
            (_, _, []) => refuse("there is no remote server; only those with a URL have tokens".to_owned()),
            (Some(name), Servers::Single(_), _) => refuse(format!(
                "\"{name}\" and a URL after -- were both given; remove the name, or name a config file instead"
            )),
            (Some(name), Servers::Many(_), known) => match known.iter().find(|server| server.name == name) {
                Some(server) => Ok(server),
                None => refuse(format!("no remote server is called \"{name}\"; the config has {}", names())),
            },
            (None, _, [server]) => Ok(server),
            (None, _, _) => refuse(format!("which server? Name one of {}", names())),
        }
    }
}

/// The listening socket.
#[derive(Debug, Clone)]
pub struct Listen {
    /// A host name or an address; `0.0.0.0` by default.
    pub host: String,
    /// 0 lets the system choose.
    pub port: u16,
    /// Certificate and key, loaded and found to fit each other.
    pub tls: Option<Tls>,
    /// The reverse proxies in front.
    pub proxies: Proxies,
    /// How many connections of clients may be open.
    pub max_connections: NonZeroU32,
}

/// The two prefixes, each empty or of the form `/a/b`: a leading slash, no trailing one.
#[derive(Debug, Clone, Default)]
pub struct BasePath {
    /// Set by a reverse proxy in front (`--root-path`); may or may not arrive in a request's path.
    pub root: String,
    /// Put before every server's routes (`--path-prefix`).
    pub prefix: String,
}

/// `--cors-allow-origins`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// `*`: any origin, never with credentials.
    Any,
    /// These origins, compared to the letter.
    Listed(Vec<String>),
}

/// `--name`, `--description`, `--version`; `None` where not given, as the default differs by mode.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The document's title.
    pub name: Option<String>,
    /// The document's description.
    pub description: Option<String>,
    /// The API's version.
    pub version: Option<String>,
}

/// `--log-level`, by the names that Python gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What happens.
    #[default]
    Info,
    /// What may become a fault.
    Warning,
    /// What failed.
    Error,
    /// Only what ends mcpo; nothing else is logged.
    Critical,
}

impl LogLevel {
    /// The level of this name, in any case.
    fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "trace" => Some(Self::Trace),
            "debug" => Some(Self::Debug),
            "info" => Some(Self::Info),
            "warning" | "warn" => Some(Self::Warning),
            "error" => Some(Self::Error),
            "critical" => Some(Self::Critical),
            _ => None,
        }
    }
}

/// `--log-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// `--operation-ids`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OperationIds {
    /// `tool_get_time_post`, as the Python mcpo has it.
    #[default]
    Compatible,
    /// `get_time`
    Bare,
    /// `clock_get_time`, for documents that are put together.
    Prefixed,
}

/// `--ready`: how many servers it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readiness {
    /// At least one.
    #[default]
    Any,
    /// Each of them.
    All,
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
    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Server> {
        match self {
            Self::Single(server) => std::slice::from_mut(&mut **server).iter_mut(),
            Self::Many(servers) => servers.iter_mut(),
        }
    }
}
