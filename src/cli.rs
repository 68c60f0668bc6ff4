//! The command line: flags as typed, each with its `MCPO_*` variable, handed on unparsed.
//!
//! clap sees only the shape. What a value means, and what is wrong with it, is `config`'s matter, so that a flag and
//! its variable are judged alike and named as the user wrote them.

#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::{
    ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::config::{ConfigError, Environment, Given, Options};

/// What the user asked for.
pub enum Invocation {
    /// Serve MCP servers over HTTP.
    Serve(Box<Options>),
    /// Be the embedded MCP server, on stdin and stdout.
    ExampleServer,
    /// Print this and be done.
    Show(String),
}

const ABOUT: &str = "\
Turns any MCP server into a secured OpenAPI HTTP API.

Every tool becomes POST /TOOL (one server) or POST /SERVER/TOOL (a config file), with an OpenAPI \
document at /openapi.json and a page to try it at /docs.";

const EXAMPLES: &str = "\
Environment:
  Every option also reads a variable: MCPO_ and its long name, as in MCPO_API_KEY_FILE. A flag
  wins over its variable; an empty variable counts as unset. MCPO_ENV and MCPO_HEADER hold one
  value each, MCPO_CORS_ALLOW_ORIGINS a list with commas. API_KEY and LOG_LEVEL stand in where
  neither a flag nor a variable of ours is given. Keep secrets out of flags: `ps` shows them.

Config file:
  JSON as Claude Desktop has it, with comments, trailing commas, ${VAR} and ${VAR:-default}:
    {\"mcpServers\": {
      \"time\":   {\"command\": \"uvx\", \"args\": [\"mcp-server-time\"]},
      \"remote\": {\"url\": \"https://example.com/mcp\", \"headers\": {\"Authorization\": \"Bearer ${TOKEN}\"}}
    }}

Examples:
  One command, its tools at http://localhost:8000/docs:
    mcpo -- uvx mcp-server-time --local-timezone=Europe/Berlin
  One remote server:
    mcpo --header 'Authorization: Bearer ${TOKEN}' -- https://example.com/mcp
  A config, for those who hold the key:
    mcpo --config config.json --api-key-file /run/secrets/mcpo-key --strict-auth
  Behind a proxy that serves it at https://example.com/tools/:
    mcpo --config config.json --host 127.0.0.1 --root-path /tools";

/// The flags alone; see [`Options`] for what becomes of them.
#[derive(Parser)]
#[command(
    name = "mcpo",
    about = ABOUT,
    after_help = EXAMPLES,
    override_usage = "mcpo [OPTIONS] -- COMMAND [ARGS]...\n       mcpo [OPTIONS] -- URL\n       mcpo [OPTIONS] --config FILE",
    max_term_width = 100,
    disable_help_flag = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    // As everywhere, the last of several wins, so that a script's options can be overridden.
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    next_help_heading = "Options"
)]
struct Flags {
    // The usage lines tell it better than a line among the options.
    #[arg(last = true, hide = true)]
    command: Vec<String>,
    /// Serve the MCP servers in this file
    #[arg(short, long, value_name = "FILE", help_heading = "Servers")]
    config: Option<String>,
    /// Take over edits of the config file while running (a later release will)
    #[arg(long, help_heading = "Servers")]
    hot_reload: bool,
    /// What stands after --: stdio (a command), sse or streamable-http (a URL) [default: found out]
    #[arg(long = "type", visible_alias = "server-type", value_name = "TYPE", help_heading = "Servers")]
    server_type: Option<String>,
    /// Send this header to the URL after --; repeatable, or one JSON object; ${VAR} is replaced
    #[arg(short = 'H', long, value_name = "KEY: VALUE", help_heading = "Servers")]
    header: Vec<String>,
    /// Set a variable for every command that is started, and for ${VAR}; repeatable
    #[arg(short, long, value_name = "NAME=VALUE", help_heading = "Servers")]
    env: Vec<String>,
    /// The same from a .env file; --env wins. Values that hold $ belong in single quotes there
    #[arg(long, value_name = "FILE", help_heading = "Servers")]
    env_path: Option<String>,

    /// Listen on this address [default: 0.0.0.0]
    #[arg(short = 'h', long, help_heading = "Listening")]
    host: Option<String>,
    /// Listen on this port; 0 takes a free one [default: 8000]
    #[arg(short, long, help_heading = "Listening")]
    port: Option<String>,
    /// Serve HTTPS with this certificate chain (PEM)
    #[arg(short = 't', long, value_name = "FILE", help_heading = "Listening")]
    ssl_certfile: Option<String>,
    /// The certificate's private key (PEM)
    #[arg(short = 'K', long, value_name = "FILE", help_heading = "Listening")]
    ssl_keyfile: Option<String>,
    /// The path under which a reverse proxy serves mcpo, whether it strips the path or not
    #[arg(long, value_name = "PATH", help_heading = "Listening")]
    root_path: Option<String>,
    /// Put this path before every server's routes
    #[arg(long, value_name = "PATH", help_heading = "Listening")]
    path_prefix: Option<String>,

    /// Ask callers of tools for this key, as `Authorization: Bearer KEY`
    #[arg(short = 'k', long, value_name = "KEY", help_heading = "Access")]
    api_key: Option<String>,
    /// The same, with the key in a file
    #[arg(long, value_name = "FILE", help_heading = "Access")]
    api_key_file: Option<String>,
    /// Ask for the key everywhere, documents and pages too
    #[arg(long, help_heading = "Access")]
    strict_auth: bool,
    /// Let pages of this origin call; repeatable; * is any [default: *]
    #[arg(long, value_name = "ORIGIN", help_heading = "Access")]
    cors_allow_origins: Vec<String>,

    /// The API's title
    #[arg(short, long, value_name = "TEXT", help_heading = "Document")]
    name: Option<String>,
    /// The API's description
    #[arg(short, long, value_name = "TEXT", help_heading = "Document")]
    description: Option<String>,
    /// The API's version; without a value, print mcpo's own and exit
    #[arg(short = 'v', long, value_name = "TEXT", help_heading = "Document")]
    version: Option<Option<String>>,

    /// Name operations as the Python mcpo does (compatible: tool_NAME_post), by the tool alone (bare), or by
    /// server and tool (prefixed) [default: compatible]
    #[arg(long, value_name = "STYLE", help_heading = "Document")]
    operation_ids: Option<String>,

    /// Refuse calls with a larger body [default: 16MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    max_body_size: Option<String>,
    /// Refuse larger answers of servers [default: 256MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    max_result_size: Option<String>,

    /// trace, debug, info, warning, error or critical [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Print this help and exit
    #[arg(long, global = true, action = ArgAction::Help)]
    help: Option<bool>,

    #[command(subcommand)]
    subcommand: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Be a small MCP server on stdin and stdout, to try mcpo with: mcpo -- mcpo example-server
    ExampleServer,
}

/// Reads this process's arguments, and the variables that stand in for absent flags.
pub fn of_process(environment: &Environment) -> Result<Invocation, ConfigError> {
    parse(std::env::args_os(), environment)
}

/// Reads `arguments`, the program's name first.
fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Invocation, ConfigError> {
    let flags = Flags::command()
        .try_get_matches_from(arguments)
        .and_then(|mut matches| Flags::from_arg_matches_mut(&mut matches));
    let flags = match flags {
        Ok(flags) => flags,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return Ok(Invocation::Show(error.to_string()));
        }
        Err(error) => return Err(ConfigError::new(explain(&error))),
    };
    if let Some(Command::ExampleServer) = flags.subcommand {
        return Ok(Invocation::ExampleServer);
    }
    if let Some(None) = flags.version {
        return Ok(Invocation::Show(concat!("mcpo ", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
    }
    Ok(Invocation::Serve(Box::new(options(flags, &Origins(environment)))))
}

fn options(flags: Flags, from: &Origins<'_>) -> Options {
    let api_key = from.one("api-key", flags.api_key);
    let api_key_file = from.one("api-key-file", flags.api_key_file);
    let keyless = api_key.is_none() && api_key_file.is_none();
    Options {
        host: from.one("host", flags.host),
        port: from.one("port", flags.port).filter(|port| !is_service_link(port)),
        ssl_certfile: from.one("ssl-certfile", flags.ssl_certfile),
        ssl_keyfile: from.one("ssl-keyfile", flags.ssl_keyfile),
        root_path: from.one("root-path", flags.root_path),
        path_prefix: from.one("path-prefix", flags.path_prefix),
        api_key: api_key.or_else(|| from.variable("API_KEY").filter(|_| keyless)),
        api_key_file,
        strict_auth: from.switch("strict-auth", flags.strict_auth),
        cors_allow_origins: from.list("cors-allow-origins", flags.cors_allow_origins, Some(',')),
        name: from.one("name", flags.name),
        description: from.one("description", flags.description),
        version: from.one("version", flags.version.flatten()),
        operation_ids: from.one("operation-ids", flags.operation_ids),
        max_body_size: from.one("max-body-size", flags.max_body_size),
        max_result_size: from.one("max-result-size", flags.max_result_size),
        config: from.one("config", flags.config),
        hot_reload: from.switch("hot-reload", flags.hot_reload),
        server_type: from.one("type", flags.server_type),
        header: from.list("header", flags.header, None),
        env: from.list("env", flags.env, None),
        env_path: from.one("env-path", flags.env_path),
        log_level: from.one("log-level", flags.log_level).or_else(|| from.variable("LOG_LEVEL")),
        command: flags.command,
    }
}

/// Kubernetes puts `MCPO_PORT=tcp://10.0.0.1:8000` into every pod beside a Service called "mcpo": an address of that
/// Service, and no port to listen on.
fn is_service_link(port: &Given) -> bool {
    port.origin == "MCPO_PORT" && port.value.starts_with("tcp://")
}

/// Gives each option its value and its origin: the flag, else the variable.
struct Origins<'a>(&'a Environment);

impl Origins<'_> {
    fn one(&self, long: &str, flag: Option<String>) -> Option<Given> {
        flag.map(|value| Given { value, origin: format!("--{long}") })
            .or_else(|| self.variable(&variable(long)))
    }

    fn switch(&self, long: &str, flag: bool) -> Option<Given> {
        self.one(long, flag.then(|| "true".to_owned()))
    }

    /// The variable holds several only where `separator` cannot be part of a value.
    fn list(&self, long: &str, flags: Vec<String>, separator: Option<char>) -> Vec<Given> {
        if !flags.is_empty() {
            return flags.into_iter().map(|value| Given { value, origin: format!("--{long}") }).collect();
        }
        let Some(all) = self.variable(&variable(long)) else { return Vec::new() };
        let Some(separator) = separator else { return vec![all] };
        let values = all.value.split(separator);
        values.map(|value| Given { value: value.to_owned(), origin: all.origin.clone() }).collect()
    }

    fn variable(&self, name: &str) -> Option<Given> {
        let value = self.0.get(name).filter(|value| !value.is_empty())?;
        Some(Given { value: value.to_owned(), origin: name.to_owned() })
    }
}

fn variable(long: &str) -> String {
    format!("MCPO_{}", long.to_uppercase().replace('-', "_"))
}

/// clap's error in one line that says what to do.
fn explain(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let word =
        text(ContextKind::InvalidSubcommand).or_else(|| text(ContextKind::InvalidArg)).unwrap_or_default();
    let whole = error.to_string();
    if word == "example-server" || whole.contains("Usage: mcpo example-server") {
        return "example-server stands alone: it takes no options and no arguments".to_owned();
    }
    match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand if !word.starts_with('-') => {
            format!(
                "unexpected \"{word}\". Put -- before the command or URL, as in: mcpo --port 8000 -- {word}"
            )
        }
        ErrorKind::UnknownArgument => match text(ContextKind::SuggestedArg) {
            Some(meant) => format!("unknown option {word}; did you mean {meant}?"),
            None => format!("unknown option {word}; mcpo --help lists them all"),
        },
        ErrorKind::InvalidValue => format!("{word} needs a value"),
        ErrorKind::TooManyValues => format!("{word} takes no value"),
        _ => whole.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    }
}
