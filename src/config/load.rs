//! From options and environment to [`Config`]: the order in which things are parsed, and the options that need no
//! module of their own.

use std::path::PathBuf;

use url::Url;

use super::{
    About, Audit, BasePath, Bounds, Config, ForwardProxy, Guard, Limits, Listen, LogFormat, LogLevel, Logins,
    OperationIds, Proxies, Readiness, Server, Servers, ServiceManager, Tls, Upstream, bounds,
    entry::Surroundings,
    environment::Environment,
    error::ConfigError,
    file::File,
    limits,
    options::{Given, Options},
    overlay, prefix, remote, service_manager, single,
};

const NOTHING_TO_SERVE: &str = "nothing to serve. Give the command of an MCP server after --, as in: \
     mcpo -- uvx mcp-server-time, or a config file: mcpo --config config.json (mcpo --help tells more)";

impl Config {
    /// Parses everything once; what comes back needs no further check.
    pub fn load(options: &Options, environment: &Environment) -> Result<Self, ConfigError> {
        let (mut warnings, mut key_variables) = (Vec::new(), Vec::new());
        let overlay = overlay::overlay(options, environment, &mut warnings)?;
        let overlaid = environment.overlaid(&overlay);
        let bounds = Bounds::of_options(options)?;
        // Variables for servers are not for mcpo's own way out.
        let proxy = ForwardProxy::parse(environment)?;
        let around = Surroundings { environment: &overlaid, overlay: &overlay, bounds, proxy: &proxy };
        let (guard, mut servers) = match (&options.config, options.command.as_slice()) {
            (None, []) => return Err(ConfigError::new(NOTHING_TO_SERVE)),
            (Some(config), []) => {
                refuse_headers(options)?;
                let file = File::parse(&config.value, &config.read_text()?, around, options)?;
                warnings.extend(file.warnings);
                key_variables = file.key_variables;
                (file.guard, Servers::Many(file.servers))
            }
            (None, words) => {
                let server = single::server(options, words, around)?;
                (Guard::new(options, None)?, Servers::Single(Box::new(server)))
            }
            (Some(config), _) => {
                return Err(config.error(
                    "a config file and a command after -- were both given; keep one, or move the command into the \
                     file's mcpServers",
                ));
            }
        };
        for server in servers.iter_mut() {
            withhold(options, &key_variables, server);
        }
        let follows = switch(&options.hot_reload)?;
        let base = BasePath {
            root: prefix::parse(&options.root_path)?,
            prefix: prefix::parse(&options.path_prefix)?,
        };
        let config = Self {
            listen: listen(options)?,
            guard,
            metrics_port: options.metrics_port.as_ref().map(port).transpose()?,
            about: about(options),
            operation_ids: operation_ids(&options.operation_ids)?,
            limits: limits(options)?,
            readiness: readiness(&options.ready)?,
            logins: Logins::parse(options, &base, environment, &mut warnings)?,
            base,
            followed: options.config.as_ref().filter(|_| follows).map(|file| PathBuf::from(&file.value)),
            servers,
            proxy,
            audit: options.audit_log.as_ref().map(Audit::parse).transpose()?,
            log_level: log_level(&options.log_level, &mut warnings)?,
            log_format: log_format(&options.log_format)?,
            otlp_endpoint: options.otlp_endpoint.as_ref().map(collector).transpose()?,
            service_manager: ServiceManager::find(environment, &mut warnings),
            warnings,
        };
        Ok(config.with_warnings_about(options, follows))
    }

    /// Warns of options that were given but change nothing.
    fn with_warnings_about(mut self, options: &Options, follows: bool) -> Self {
        let mut warn = |given: &Option<Given>, message: &str| {
            if let Some(given) = given {
                self.warnings.push(format!("{}: {message}", given.origin));
            }
        };
        match &self.servers {
            Servers::Many(_) => {
                warn(
                    &options.server_type,
                    "has no effect with a config file; give each server its \"type\" there",
                );
            }
            Servers::Single(_) if follows => {
                warn(&options.hot_reload, "has no effect without a config file; name one with --config");
            }
            Servers::Single(_) => {}
        }
        if self.guard.strict && !self.guard.is_closed() {
            warn(&options.strict_auth, "has no effect without an API key; give one with --api-key-file");
        }
        self
    }
}

/// The gateway's keys are for its callers and its tokens, not for the programs behind it; its service manager is for
/// the gateway alone.
fn withhold(options: &Options, key_variables: &[String], server: &mut Server) {
    if let Upstream::Stdio(stdio) = &mut server.upstream {
        let ours = ["MCPO_API_KEY", "MCPO_NAMED_KEY", "MCPO_TOKEN_KEY"].into_iter();
        let stand_in = options.api_key.as_ref().is_some_and(|key| key.origin == "API_KEY");
        let ours = ours.chain(service_manager::VARIABLES).chain(stand_in.then_some("API_KEY"));
        stdio.withheld.extend(ours.map(str::to_owned).chain(key_variables.iter().cloned()));
    }
}

fn refuse_headers(options: &Options) -> Result<(), ConfigError> {
    match options.header.first() {
        Some(header) => Err(header.error(
            "headers are for the one server after --; with a config file, put them into the server's \"headers\"",
        )),
        None => Ok(()),
    }
}

fn listen(options: &Options) -> Result<Listen, ConfigError> {
    let host = match &options.host {
        Some(given) if given.value.trim().is_empty() => {
            return Err(
                given.error("is empty; use an address such as 127.0.0.1, or leave it out for 0.0.0.0")
            );
        }
        Some(given) => given.value.trim().to_owned(),
        None => "0.0.0.0".to_owned(),
    };
    let port = options.port.as_ref().map_or(Ok(8000), port)?;
    Ok(Listen {
        host,
        port,
        tls: Tls::of_options(options)?,
        proxies: Proxies::parse(&options.trusted_proxy)?,
        max_connections: bounds::connections(options)?,
    })
}

fn port(given: &Given) -> Result<u16, ConfigError> {
    given.value.trim().parse().map_err(|_| {
        given.error(format_args!("\"{}\" is not a port; use a number from 0 to 65535", given.value))
    })
}

fn operation_ids(given: &Option<Given>) -> Result<OperationIds, ConfigError> {
    let Some(given) = given else { return Ok(OperationIds::default()) };
    match given.value.trim().to_ascii_lowercase().as_str() {
        "compatible" => Ok(OperationIds::Compatible),
        "bare" => Ok(OperationIds::Bare),
        "prefixed" => Ok(OperationIds::Prefixed),
        other => {
            Err(given.error(format_args!("unknown style \"{other}\"; use compatible, bare or prefixed")))
        }
    }
}

fn readiness(given: &Option<Given>) -> Result<Readiness, ConfigError> {
    let Some(given) = given else { return Ok(Readiness::default()) };
    match given.value.trim().to_ascii_lowercase().as_str() {
        "any" => Ok(Readiness::Any),
        "all" => Ok(Readiness::All),
        other => Err(given.error(format_args!("\"{other}\" is neither any nor all"))),
    }
}

fn limits(options: &Options) -> Result<Limits, ConfigError> {
    let mut limits = Limits::default();
    if let Some(given) = &options.max_body_size {
        limits.body = limits::size(given)?;
    }
    if let Some(given) = &options.max_result_size {
        limits.result = limits::size(given)?;
    }
    if let Some(given) = &options.shutdown_timeout {
        limits.shutdown = limits::seconds(given)?;
    }
    Ok(limits)
}

fn about(options: &Options) -> About {
    let text = |given: &Option<Given>| {
        given.as_ref().map(|given| given.value.clone()).filter(|value| !value.is_empty())
    };
    About {
        name: text(&options.name),
        description: text(&options.description),
        version: text(&options.version),
    }
}

/// A flag that a variable can also set.
pub(super) fn switch(given: &Option<Given>) -> Result<bool, ConfigError> {
    let Some(given) = given else { return Ok(false) };
    match given.value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        other => Err(given.error(format_args!("\"{other}\" is neither true nor false"))),
    }
}

fn log_format(given: &Option<Given>) -> Result<LogFormat, ConfigError> {
    let Some(given) = given else { return Ok(LogFormat::default()) };
    match given.value.trim().to_ascii_lowercase().as_str() {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        other => Err(given.error(format_args!("unknown format \"{other}\"; use human or json"))),
    }
}

fn collector(given: &Given) -> Result<Url, ConfigError> {
    remote::url(&given.value)
        .map_err(|_| given.error("not an http or https URL; write it as in http://localhost:4318"))
}

fn log_level(given: &Option<Given>, warnings: &mut Vec<String>) -> Result<LogLevel, ConfigError> {
    let Some(given) = given else { return Ok(LogLevel::default()) };
    let unknown =
        || format!("unknown level \"{}\"; use trace, debug, info, warning, error or critical", given.value);
    match LogLevel::parse(given.value.trim()) {
        Some(level) => Ok(level),
        // Other programs read LOG_LEVEL too, so it may well be meant for one of them.
        None if given.origin == "LOG_LEVEL" => {
            warnings.push(format!("LOG_LEVEL: {}; info is used", unknown()));
            Ok(LogLevel::default())
        }
        None => Err(given.error(unknown())),
    }
}
