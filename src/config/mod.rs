//! The configuration: options, environment and file, parsed once into types that cannot be wrong.
//!
//! Later code never checks these values again. Every error names the option, or the file, line and key, and says what
//! to do.

mod access;
mod document;
mod environment;
mod error;
mod file;
mod http_url;
mod json;
mod limits;
mod listen;
mod load;
mod logging;
mod memory;
mod oauth;
mod option_spec;
mod options;
mod raw_option;
mod secrets;
mod server;
mod source_file;
#[cfg(test)]
mod tests;

pub use access::{AccessRules, CallerKey, CorsOrigins, IssuerIdentifier, Jwt, Permission, Rate, TokenPolicy};
pub use document::{About, OperationIds};
pub use environment::{Environment, ForwardProxy, ServiceManager};
pub use error::{ConfigError, nearest};
pub use http_url::is_loopback_host;
pub use limits::Limits;
pub use listen::{BasePath, Certificate, Clients, Listen, Readiness, Tls, TrustedProxies};
pub use load::Config;
pub use logging::{Audit, LogColours, LogFormat, LogLevel};
pub use oauth::{
    ClientAuthMethod, ClientCredential, Grant, LoginSettings, OAuth, SigningKey, StaticClient, TokenStorage,
};
pub use option_spec::{Block, ConfigKey, OptionSpec, Takes};
pub use options::{OPTIONS, OptionTable, Options};
pub use raw_option::RawOption;
pub use server::{
    Bounds, HeaderForwarding, Recycling, Remote, ResultStyle, Sandbox, Server, Servers, Stdio, ToolFilter,
    Upstream, Validation,
};
pub(crate) use server::{FoundProgram, find_program};
pub use source_file::{end_start, read_file};
