//! The configuration: flags and file, parsed once into types that cannot be wrong.
//!
//! Later code never re-checks what stands here. Every error names the file, the line, the key and what to do.

mod server;

pub use server::{
    HeaderForwarding, OAuth, Remote, ResultStyle, Server, Stdio, TokenStorage, ToolFilter, Upstream,
    Validation,
};

use std::sync::Arc;

use crate::secret::ApiKey;

/// Everything `mcpo` needs to know to run.
#[derive(Debug)]
pub struct Config {
    /// Where to listen, and with which certificate.
    pub listen: Listen,
    /// Where the API appears to clients.
    pub base: BasePath,
    /// Who may call.
    pub guard: Guard,
    /// What the root document (or the only document) says of itself.
    pub about: About,
    /// The MCP servers behind this gateway.
    pub servers: Servers,
}

/// The listening socket.
#[derive(Debug)]
pub struct Listen {
    /// A host name or an address; `0.0.0.0` by default.
    pub host: String,
    /// 0 lets the system choose.
    pub port: u16,
    /// Certificate and key, loaded and found to fit each other.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// The two prefixes, each empty or of the form `/a/b`: a leading slash, no trailing one.
#[derive(Debug, Clone, Default)]
pub struct BasePath {
    /// Set by a reverse proxy in front (`--root-path`); may or may not arrive in a request's path.
    pub root: String,
    /// Put before every server's routes (`--path-prefix`).
    pub prefix: String,
}

/// Who may call.
#[derive(Debug)]
pub struct Guard {
    /// Without a key every call is allowed.
    pub key: Option<ApiKey>,
    /// With strict authentication documents and pages ask for the key too.
    pub strict: bool,
    /// Which web origins may read answers.
    pub cors: CorsOrigins,
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

/// One server at the root, or several under their names.
#[derive(Debug)]
pub enum Servers {
    /// `mcpo -- command`: tools are `POST /{tool}`.
    Single(Server),
    /// `mcpo --config file`: tools are `POST /{server}/{tool}`. Names are unique, in the file's order;
    /// servers with `"disabled": true` are left out.
    Many(Vec<Server>),
}

impl Servers {
    /// All servers, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Server> {
        match self {
            Self::Single(server) => std::slice::from_ref(server).iter(),
            Self::Many(servers) => servers.iter(),
        }
    }
}
