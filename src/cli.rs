//! The command line: flags as typed, each with its `MCPO_*` variable, handed on unparsed.
//!
//! clap sees only the shape. What a value means, and what is wrong with it, is `config`'s matter, so that a flag and
//! its variable are judged alike and named as the user wrote them.

mod commands;
mod explain;
mod flags;
mod origins;
#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::{FromArgMatches as _, error::ErrorKind};

use self::{
    commands::Command,
    explain::{STANDS_ALONE, explain},
    flags::{Flags, command},
    origins::Origins,
};
use crate::config::{ConfigError, Environment, Options, RawOption};

/// What the user asked for.
pub enum Invocation {
    /// Serve MCP servers over HTTP.
    Serve(Box<Options>),
    /// Look after the tokens of remote servers.
    Tokens {
        /// What to do with them.
        action: TokenAction,
        /// As for serving: which servers there are, and where their tokens are kept.
        options: Box<Options>,
    },
    /// Be the embedded MCP server, on stdin and stdout.
    ExampleServer,
    /// Print this and be done.
    Show(String),
}

/// What to do with tokens; a server that is not named is the only remote one.
pub enum TokenAction {
    /// Get them for this server, by logging in.
    Login(Option<String>),
    /// Forget those of this server.
    Logout(Option<String>),
    /// Tell which there are.
    List,
}

const NO_SERVER: &str = "whose tokens? Name a config file, as in: mcpo login --config config.json, or a URL, as in: \
     mcpo login -- https://example.com/mcp";

/// Reads this process's arguments, and the variables that stand in for absent flags.
pub fn of_process(environment: &Environment) -> Result<Invocation, ConfigError> {
    parse(std::env::args_os(), environment)
}

/// Reads `arguments`, the program's name first.
fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Invocation, ConfigError> {
    let read = command().try_get_matches_from(arguments).and_then(|mut matches| {
        let bare = !matches.args_present();
        Ok((Flags::from_arg_matches_mut(&mut matches)?, bare))
    });
    let (mut flags, bare) = match read {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return Ok(Invocation::Show(error.to_string()));
        }
        Err(error) => return Err(ConfigError::new(explain(&error))),
    };
    let action = match flags.subcommand.take() {
        Some(Command::ExampleServer) if bare => return Ok(Invocation::ExampleServer),
        Some(Command::ExampleServer) => return Err(ConfigError::new(STANDS_ALONE)),
        Some(Command::Login { server }) => Some(TokenAction::Login(server)),
        Some(Command::Logout { server }) => Some(TokenAction::Logout(server)),
        Some(Command::Tokens) => Some(TokenAction::List),
        None => None,
    };
    if let Some(None) = flags.version {
        return Ok(Invocation::Show(concat!("mcpo ", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
    }
    let options = Box::new(options(flags, &Origins(environment)));
    match action {
        None => Ok(Invocation::Serve(options)),
        Some(_) if options.config.is_none() && options.command.is_empty() => Err(ConfigError::new(NO_SERVER)),
        Some(action) => Ok(Invocation::Tokens { action, options }),
    }
}

fn options(flags: Flags, from: &Origins<'_>) -> Options {
    let api_key = from.one("api-key", flags.api_key);
    let api_key_file = from.one("api-key-file", flags.api_key_file);
    let keyless = api_key.is_none() && api_key_file.is_none();
    Options {
        host: from.one("host", flags.host),
        port: from.one("port", flags.port).filter(|port| !is_service_link(port)),
        metrics_port: from.one("metrics-port", flags.metrics_port).filter(|port| !is_service_link(port)),
        ssl_certfile: from.one("ssl-certfile", flags.ssl_certfile),
        ssl_keyfile: from.one("ssl-keyfile", flags.ssl_keyfile),
        ssl_client_ca: from.one("ssl-client-ca", flags.ssl_client_ca),
        root_path: from.one("root-path", flags.root_path),
        path_prefix: from.one("path-prefix", flags.path_prefix),
        public_url: from.one("public-url", flags.public_url),
        trusted_proxy: from.list("trusted-proxy", flags.trusted_proxy, Some(',')),
        api_key: api_key.or_else(|| from.variable("API_KEY").filter(|_| keyless)),
        api_key_file,
        named_key: from.list("named-key", flags.named_key, None),
        named_keys_file: from.one("named-keys-file", flags.named_keys_file),
        rate_limit: from.one("rate-limit", flags.rate_limit),
        address_rate_limit: from.one("address-rate-limit", flags.address_rate_limit),
        jwt_issuer: from.one("jwt-issuer", flags.jwt_issuer),
        jwt_audience: from.list("jwt-audience", flags.jwt_audience, Some(',')),
        strict_auth: from.switch("strict-auth", flags.strict_auth),
        cors_allow_origins: from.list("cors-allow-origins", flags.cors_allow_origins, Some(',')),
        token_dir: from.one("token-dir", flags.token_dir),
        token_key: from.one("token-key", flags.token_key),
        token_key_file: from.one("token-key-file", flags.token_key_file),
        name: from.one("name", flags.name),
        description: from.one("description", flags.description),
        version: from.one("version", flags.version.flatten()),
        operation_ids: from.one("operation-ids", flags.operation_ids),
        ready: from.one("ready", flags.ready),
        max_body_size: from.one("max-body-size", flags.max_body_size),
        max_result_size: from.one("max-result-size", flags.max_result_size),
        max_connections: from.one("max-connections", flags.max_connections),
        shutdown_timeout: from.one("shutdown-timeout", flags.shutdown_timeout),
        connect_timeout: from.one("connect-timeout", flags.connect_timeout),
        initialize_timeout: from.one("initialize-timeout", flags.initialize_timeout),
        idle_timeout: from.one("idle-timeout", flags.idle_timeout),
        call_timeout: from.one("call-timeout", flags.call_timeout),
        max_concurrent: from.one("max-concurrent", flags.max_concurrent),
        max_queued: from.one("max-queued", flags.max_queued),
        restarts_per_minute: from.one("restarts-per-minute", flags.restarts_per_minute),
        config: from.one("config", flags.config),
        hot_reload: from.switch("hot-reload", flags.hot_reload),
        server_type: from.one("type", flags.server_type),
        header: from.list("header", flags.header, None),
        env: from.list("env", flags.env, None),
        env_path: from.one("env-path", flags.env_path),
        audit_log: from.one("audit-log", flags.audit_log),
        log_level: from.one("log-level", flags.log_level).or_else(|| from.variable("LOG_LEVEL")),
        log_format: from.one("log-format", flags.log_format),
        otlp_endpoint: from
            .one("otlp-endpoint", flags.otlp_endpoint)
            .or_else(|| from.variable("OTEL_EXPORTER_OTLP_ENDPOINT")),
        command: flags.command,
    }
}

/// Kubernetes puts `MCPO_PORT=tcp://10.0.0.1:8000` into every pod beside a Service called "mcpo", and the like beside
/// "mcpo-metrics": an address of that Service, and no port to listen on.
fn is_service_link(port: &RawOption) -> bool {
    port.origin.starts_with("MCPO_") && port.value.starts_with("tcp://")
}
