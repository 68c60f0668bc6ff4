//! From options and environment to [`Config`]: the order in which things are parsed, and the options that need no
//! module of their own.

use std::path::PathBuf;

use url::Url;

use crate::config::{
    About, AccessRules, Audit, BasePath, Bounds, ConfigError, Environment, ForwardProxy, Limits, Listen,
    LogColours, LogFormat, LogLevel, LoginSettings, OperationIds, Options, RawOption, Readiness, Server,
    Servers, ServiceManager, Upstream,
    environment::{overrides, service_manager},
    file::File,
    logging, secrets,
    server::{LoadContext, fault, single},
};
use crate::secret::KnownSecrets;

const NOTHING_TO_SERVE: &str = "nothing to serve. Give the command of an MCP server after --, as in: \
     mcpo -- uvx mcp-server-time, or a config file: mcpo --config config.json (mcpo --help tells more)";

/// Everything `mcpo` needs to know to run.
#[derive(Debug)]
pub struct Config {
    /// Where to listen, and with which certificate.
    pub listen: Listen,
    /// The separate port for `/metrics`, on the same host; 0 lets the system choose.
    pub metrics_port: Option<u16>,
    /// The path prefixes under which clients see the API.
    pub base: BasePath,
    /// Who may call.
    pub access_rules: AccessRules,
    /// The title, description and version of the root document, or the only one.
    pub about: About,
    /// How operations are named.
    pub operation_ids: OperationIds,
    /// The sizes of messages, and the time for shutdown.
    pub limits: Limits,
    /// When `/readyz` reports ready.
    pub readiness: Readiness,
    /// How users log in to servers, and where tokens are stored.
    pub logins: LoginSettings,
    /// The MCP servers behind this gateway.
    pub servers: Servers,
    /// The proxy for mcpo's own requests.
    pub proxy: ForwardProxy,
    /// The config file, if its edits take effect (`--hot-reload`).
    pub followed: Option<PathBuf>,
    /// Where calls are recorded; `None` if they are not.
    pub audit: Option<Audit>,
    /// What is logged.
    pub log_level: LogLevel,
    /// How it is written.
    pub log_format: LogFormat,
    /// Whether it has colours.
    pub log_colours: LogColours,
    /// The OpenTelemetry collector that spans are sent to.
    pub otlp_endpoint: Option<Url>,
    /// The service manager that expects notifications.
    pub service_manager: Option<ServiceManager>,
    /// Warnings with their places, to be logged once logging works.
    pub warnings: Vec<String>,
    /// What else is worth a line in the log.
    pub remarks: Vec<String>,
    /// All its secrets, which no text may show.
    pub secrets: KnownSecrets,
}

impl Config {
    /// Parses everything once. The result needs no further check.
    pub fn load(options: &Options, environment: &Environment) -> Result<Self, ConfigError> {
        let (mut warnings, mut secret_variables) = (Vec::new(), Vec::new());
        let overrides = overrides::read(options, environment, &mut warnings)?;
        let overridden = environment.overridden(&overrides);
        let bounds = Bounds::of_options(options)?;
        // mcpo's own requests ignore the variables that are set for servers.
        let proxy = ForwardProxy::parse(environment)?;
        let context = LoadContext { environment: &overridden, overrides: &overrides, bounds, proxy: &proxy };
        let (access_rules, mut servers) = match (&options.config, options.command.as_slice()) {
            (None, []) => return Err(ConfigError::new(NOTHING_TO_SERVE)),
            (Some(config), []) => {
                refuse_headers(options)?;
                let file = File::parse(&config.value, &config.read_text()?, context, options)?;
                warnings.extend(file.warnings);
                secret_variables = file.secret_variables;
                (file.access_rules, Servers::Many(file.servers))
            }
            (None, words) => {
                let server = single(options, words, context)?;
                (AccessRules::new(options, None)?, Servers::Single(Box::new(server)))
            }
            (Some(config), _) => {
                return Err(config.error(
                    "a config file and a command after -- were both given; keep one, or move the command into the \
                     file's mcpServers",
                ));
            }
        };
        // A variable that is not set makes no difference, and a reload that names it restarts no server.
        secret_variables.retain(|name| overridden.get(name).is_some());
        for server in servers.iter_mut() {
            withhold(options, &secret_variables, server);
            server.secrets = secrets::of_server(server);
        }
        let follows = options.hot_reload.as_ref().map_or(Ok(false), RawOption::boolean)?;
        let base = BasePath::of_options(options)?;
        let mut config = Self {
            listen: Listen::of_options(options)?,
            access_rules,
            metrics_port: options.metrics_port.as_ref().map(RawOption::port).transpose()?,
            about: About::of_options(options),
            operation_ids: OperationIds::of_options(options)?,
            limits: Limits::of_options(options)?,
            readiness: Readiness::of_options(options)?,
            logins: LoginSettings::parse(options, &base, environment, &mut warnings)?,
            base,
            followed: options.config.as_ref().filter(|_| follows).map(|file| PathBuf::from(&file.value)),
            servers,
            proxy,
            audit: options.audit_log.as_ref().map(Audit::parse).transpose()?,
            log_level: LogLevel::of_options(options, &mut warnings)?,
            log_format: LogFormat::of_options(options)?,
            log_colours: LogColours::of(environment),
            otlp_endpoint: options.otlp_endpoint.as_ref().map(logging::collector).transpose()?,
            service_manager: ServiceManager::find(environment, &mut warnings),
            warnings,
            remarks: Vec::new(),
            secrets: KnownSecrets::default(),
        };
        config.secrets = secrets::of(&config, &secret_variables, &overridden);
        config.remarks.extend(remark_on_withheld(&config.servers, &secret_variables));
        Ok(config.with_warnings_about(options, follows))
    }

    /// Refuses a single server whose program cannot be started, since there would be nothing to serve.
    ///
    /// # Errors
    ///
    /// The program does not exist or is not executable.
    pub fn require_program(&self, environment: &Environment) -> Result<(), ConfigError> {
        let Servers::Single(server) = &self.servers else { return Ok(()) };
        let Upstream::Stdio(stdio) = &server.upstream else { return Ok(()) };
        match fault(stdio, environment) {
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
    /// There is no such server, or there are several and none is named.
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

    /// Warns of options that were given but change nothing.
    fn with_warnings_about(mut self, options: &Options, follows: bool) -> Self {
        let mut warn = |given: &Option<RawOption>, message: &str| {
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
        if self.access_rules.strict && !self.access_rules.is_closed() {
            warn(&options.strict_auth, "has no effect without an API key; give one with --api-key-file");
        }
        self
    }
}

/// Withholds from child processes the gateway's keys, the variables of its service manager, and those that hold secrets of
/// the configuration. What a server's own `env` names is its own.
fn withhold(options: &Options, secret_variables: &[String], server: &mut Server) {
    if let Upstream::Stdio(stdio) = &mut server.upstream {
        let ours = ["MCPO_API_KEY", "MCPO_NAMED_KEY", "MCPO_TOKEN_KEY", "MCPO_HEADER"].into_iter();
        let stand_in = options.api_key.as_ref().is_some_and(|key| key.origin == "API_KEY");
        let ours = ours.chain(secrets::OTLP_HEADERS).chain(service_manager::VARIABLES);
        let ours = ours.chain(stand_in.then_some("API_KEY")).map(str::to_owned);
        stdio.withheld.extend(ours.chain(secret_variables.iter().cloned()));
    }
}

/// Says which variables servers no longer find in their environment, for those who rely on one.
fn remark_on_withheld(servers: &Servers, variables: &[String]) -> Option<String> {
    let lacks = |server: &Server, name: &String| match &server.upstream {
        Upstream::Stdio(stdio) => {
            (stdio.inherits || stdio.shared.contains_key(name)) && !stdio.env.contains_key(name)
        }
        _ => false,
    };
    let lacking: Vec<&String> =
        variables.iter().filter(|name| servers.iter().any(|server| lacks(server, name))).collect();
    let example = lacking.first()?;
    let names = lacking.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    Some(format!(
        "programs do not inherit {names}, which the configuration takes a secret from; a server that needs it has it in its \
         own env, as in \"env\": {{\"{example}\": \"${{{example}}}\"}}"
    ))
}

fn refuse_headers(options: &Options) -> Result<(), ConfigError> {
    match options.header.first() {
        Some(header) => Err(header.error(
            "headers are for the one server after --; with a config file, put them into the server's \"headers\"",
        )),
        None => Ok(()),
    }
}
