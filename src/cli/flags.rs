//! The shape of the command line, and the help that tells it.

use clap::{ArgAction, CommandFactory as _, Parser};

use super::commands::{Command, HELP_TEMPLATE};

const ABOUT: &str = "\
Turns any MCP server into a secured OpenAPI HTTP API.

Every tool becomes POST /TOOL (one server) or POST /SERVER/TOOL (a config file), with an OpenAPI \
document at /openapi.json and a page to try it at /docs.";

const EXAMPLES: &str = "\
Environment:
  Every option also reads a variable: MCPO_ and its long name, as in MCPO_API_KEY_FILE. A flag
  wins over its variable; an empty variable counts as unset. MCPO_ENV and MCPO_HEADER hold one
  value each, MCPO_CORS_ALLOW_ORIGINS and MCPO_JWT_AUDIENCE lists with commas. API_KEY, LOG_LEVEL
  and OTEL_EXPORTER_OTLP_ENDPOINT stand in where neither a flag nor a variable of ours is given.
  Keep secrets out of flags: `ps` shows them.

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
  A server that asks for a login, then its tools:
    mcpo login -- https://example.com/mcp && mcpo -- https://example.com/mcp
  A config, for those who hold the key:
    mcpo --config config.json --api-key-file /run/secrets/mcpo-key --strict-auth
  Behind a proxy that serves it at https://example.com/tools/:
    mcpo --config config.json --host 127.0.0.1 --root-path /tools";

/// The flags alone; see [`Options`](crate::config::Options) for what becomes of them.
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
    next_help_heading = "Options"
)]
pub(super) struct Flags {
    // The usage lines tell it better than a line among the options.
    #[arg(last = true, hide = true)]
    pub(super) command: Vec<String>,
    /// Serve the MCP servers in this file
    #[arg(short, long, value_name = "FILE", help_heading = "Servers")]
    pub(super) config: Option<String>,
    /// Take over edits of the config file while running
    #[arg(long, help_heading = "Servers")]
    pub(super) hot_reload: bool,
    /// What stands after --: stdio (a command), sse or streamable-http (a URL) [default: found out]
    #[arg(long = "type", visible_alias = "server-type", value_name = "TYPE", help_heading = "Servers")]
    pub(super) server_type: Option<String>,
    /// Send this header to the URL after --; repeatable, or one JSON object; ${VAR} is replaced
    #[arg(short = 'H', long, value_name = "KEY: VALUE", help_heading = "Servers")]
    pub(super) header: Vec<String>,
    /// Set a variable for every command that is started, and for ${VAR}; repeatable
    #[arg(short, long, value_name = "NAME=VALUE", help_heading = "Servers")]
    pub(super) env: Vec<String>,
    /// The same from a .env file, in which ${VAR} is replaced too; --env wins
    #[arg(long, value_name = "FILE", help_heading = "Servers")]
    pub(super) env_path: Option<String>,

    /// Listen on this address [default: 0.0.0.0]
    #[arg(short = 'h', long, help_heading = "Listening")]
    pub(super) host: Option<String>,
    /// Listen on this port; 0 takes a free one [default: 8000]
    #[arg(short, long, help_heading = "Listening")]
    pub(super) port: Option<String>,
    /// Serve /metrics on this port instead, for all who reach it; 0 takes a free one
    #[arg(long, value_name = "PORT", help_heading = "Listening")]
    pub(super) metrics_port: Option<String>,
    /// Serve HTTPS with this certificate chain (PEM)
    #[arg(short = 't', long, value_name = "FILE", help_heading = "Listening")]
    pub(super) ssl_certfile: Option<String>,
    /// The certificate's private key (PEM)
    #[arg(short = 'K', long, value_name = "FILE", help_heading = "Listening")]
    pub(super) ssl_keyfile: Option<String>,
    /// Ask clients for a certificate of these authorities (PEM), and let no others in
    #[arg(long, value_name = "FILE", help_heading = "Listening")]
    pub(super) ssl_client_ca: Option<String>,
    /// The path under which a reverse proxy serves mcpo, whether it strips the path or not
    #[arg(long, value_name = "PATH", help_heading = "Listening")]
    pub(super) root_path: Option<String>,
    /// Put this path before every server's routes
    #[arg(long, value_name = "PATH", help_heading = "Listening")]
    pub(super) path_prefix: Option<String>,
    /// Where browsers and clients reach this gateway, as in https://example.com/tools; logins come back there
    #[arg(long, value_name = "URL", help_heading = "Listening")]
    pub(super) public_url: Option<String>,
    /// Believe this reverse proxy, an address or a network, whom a request comes from; repeatable
    #[arg(long, value_name = "ADDRESS", help_heading = "Listening")]
    pub(super) trusted_proxy: Vec<String>,
    /// When /readyz says ready: once any server is connected, or all of them [default: any]
    #[arg(long, value_name = "WHEN", help_heading = "Listening")]
    pub(super) ready: Option<String>,

    /// Ask callers of tools for this key, as `Authorization: Bearer KEY`
    #[arg(short = 'k', long, value_name = "KEY", help_heading = "Access")]
    pub(super) api_key: Option<String>,
    /// The same, with the key in a file
    #[arg(long, value_name = "FILE", help_heading = "Access")]
    pub(super) api_key_file: Option<String>,
    /// One key of several, with the name that logs and metrics give its holder; repeatable
    #[arg(long, value_name = "NAME=KEY", help_heading = "Access")]
    pub(super) named_key: Vec<String>,
    /// The same from a file, one NAME=KEY a line; KEY may be sha256: and its digest
    #[arg(long, value_name = "FILE", help_heading = "Access")]
    pub(super) named_keys_file: Option<String>,
    /// Accept tokens (JWT) of this OpenID or OAuth issuer from callers, as in https://id.example.com/realms/main
    #[arg(long, value_name = "URL", help_heading = "Access")]
    pub(super) jwt_issuer: Option<String>,
    /// Only those that are meant for this audience; repeatable
    #[arg(long, value_name = "AUDIENCE", help_heading = "Access")]
    pub(super) jwt_audience: Vec<String>,
    /// Ask for the key everywhere, documents and pages too
    #[arg(long, help_heading = "Access")]
    pub(super) strict_auth: bool,
    /// Let pages of this origin call; repeatable; * is any [default: *]
    #[arg(long, value_name = "ORIGIN", help_heading = "Access")]
    pub(super) cors_allow_origins: Vec<String>,

    /// Keep the tokens of logins in this folder [default: ~/.mcpo/tokens]
    #[arg(long, value_name = "DIR", help_heading = "Logins")]
    pub(super) token_dir: Option<String>,
    /// Encrypt the tokens in it with this key, of at least 16 characters
    #[arg(long, value_name = "KEY", help_heading = "Logins")]
    pub(super) token_key: Option<String>,
    /// The same, with the key in a file
    #[arg(long, value_name = "FILE", help_heading = "Logins")]
    pub(super) token_key_file: Option<String>,

    /// The API's title
    #[arg(short, long, value_name = "TEXT", help_heading = "Document")]
    pub(super) name: Option<String>,
    /// The API's description
    #[arg(short, long, value_name = "TEXT", help_heading = "Document")]
    pub(super) description: Option<String>,
    /// The API's version; without a value, print mcpo's own and exit
    #[arg(short = 'v', long, value_name = "TEXT", help_heading = "Document")]
    pub(super) version: Option<Option<String>>,

    /// Name operations as the Python mcpo does (compatible: tool_NAME_post), by the tool alone (bare), or by
    /// server and tool (prefixed) [default: compatible]
    #[arg(long, value_name = "STYLE", help_heading = "Document")]
    pub(super) operation_ids: Option<String>,

    /// Refuse a caller's requests above this rate, as in 10/s, 600/min or 5000/h
    #[arg(long, value_name = "RATE", help_heading = "Limits")]
    pub(super) rate_limit: Option<String>,
    /// The same for all that comes from one address
    #[arg(long, value_name = "RATE", help_heading = "Limits")]
    pub(super) address_rate_limit: Option<String>,
    /// Refuse calls with a larger body [default: 16MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub(super) max_body_size: Option<String>,
    /// Refuse larger answers of servers [default: 256MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub(super) max_result_size: Option<String>,
    /// Keep so many connections of clients open at once, a quarter of them for one address [default: 4096]
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    pub(super) max_connections: Option<String>,
    /// Let calls in flight finish for so long once told to stop [default: 4]
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    pub(super) shutdown_timeout: Option<String>,
    /// Give a connection to a server's URL up that is not open within this time [default: 10]
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    pub(super) connect_timeout: Option<String>,
    /// Give a server up that has not told its tools within this time after [default: 120 for a command, 30 for a URL]
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    pub(super) initialize_timeout: Option<String>,
    /// Ask a server that was silent for this time whether it is there [default: 30]
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    pub(super) idle_timeout: Option<String>,
    /// Give a call up after this time [default: 300]
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    pub(super) call_timeout: Option<String>,
    /// Run so many calls at once on each server [default: 64]
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    pub(super) max_concurrent: Option<String>,
    /// Let so many more wait for their turn, and refuse what comes on top [default: 256]
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    pub(super) max_queued: Option<String>,
    /// Start a command no more often than this [default: 10]
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    pub(super) restarts_per_minute: Option<String>,

    /// Record each call (who, which tool, what became of it) in this file, as JSON lines; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(super) audit_log: Option<String>,
    /// trace, debug, info, warning, error or critical [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub(super) log_level: Option<String>,
    /// Log lines for people (human) or one JSON object a line (json) [default: human]
    #[arg(long, value_name = "FORMAT")]
    pub(super) log_format: Option<String>,
    /// Send a span of each call to this OpenTelemetry collector (OTLP over HTTP), as in http://localhost:4318
    #[arg(long, value_name = "URL")]
    pub(super) otlp_endpoint: Option<String>,
    /// Print this help and exit
    #[arg(long, global = true, action = ArgAction::Help)]
    pub(super) help: Option<bool>,

    #[command(subcommand)]
    pub(super) subcommand: Option<Command>,
}

/// The command line as clap reads it.
pub(super) fn command() -> clap::Command {
    // Global arguments may also follow a sub-command.
    Flags::command()
        .mut_args(|argument| argument.global(true))
        .mut_subcommands(|command| command.help_template(HELP_TEMPLATE))
}
