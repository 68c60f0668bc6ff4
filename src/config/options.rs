//! Every option, once.
//!
//! A row gives the option's field, its flag, its variable, its key in the config file and its help. To add an option,
//! add a row, read its field where the value belongs, and add the row that the test of README.md asks for.

use super::{
    OptionSpec, RawOption,
    option_spec::{
        Block::{self, Access, Jwt, Server},
        list, optional_value, port, switch, value, values,
    },
};

macro_rules! options {
    ($($heading:literal { $($(#[doc = $help:literal])+ $name:ident: $field:ty = $spec:expr;)+ })+) => {
        /// The options as they were given, and the command or URL after `--`.
        #[derive(Default)]
        #[expect(missing_docs, reason = "the table explains each field")]
        pub struct Options {
            $($(pub $name: $field,)+)+
            pub command: Vec<String>,
        }

        impl Options {
            /// Gives each option the values that `values` finds for it.
            pub fn read(mut values: impl FnMut(&OptionSpec) -> Vec<RawOption>) -> Self {
                Self { $($($name: Field::of(values(&OPTIONS.$name)),)+)+ command: Vec::new() }
            }
        }

        /// What is known of each option.
        #[expect(missing_docs, reason = "the table explains each field")]
        pub struct OptionTable { $($(pub $name: OptionSpec,)+)+ }

        /// The table.
        pub static OPTIONS: OptionTable = OptionTable {
            $($($name: $spec.described(stringify!($name), $heading, &[$($help),+]),)+)+
        };

        impl OptionTable {
            /// All options, in the order of `--help`.
            pub fn iter(&self) -> impl Iterator<Item = &OptionSpec> {
                [$($(&self.$name),+),+].into_iter()
            }
        }
    };
}

options! {
    "Servers" {
        /// Serve the MCP servers in this file
        config: Option<RawOption> = value("FILE").short('c');
        /// Apply edits of the config file while running
        hot_reload: Option<RawOption> = switch();
        /// What follows --: stdio (a command), sse or streamable-http (a URL) [default: detected]
        server_type: Option<RawOption> = value("TYPE").long_and_alias("type", "server-type");
        /// Send this header to the URL after --; repeatable, or one JSON object; ${VAR} is replaced
        header: Vec<RawOption> = values("KEY: VALUE").short('H');
        /// Set a variable for every command that is started, and for ${VAR}; repeatable
        env: Vec<RawOption> = values("NAME=VALUE").short('e');
        /// The same from a .env file, in which ${VAR} is replaced too; --env wins
        env_path: Option<RawOption> = value("FILE");
    }
    "Listening" {
        /// Listen on this address [default: 0.0.0.0]
        host: Option<RawOption> = value("HOST").short('h');
        /// Listen on this port; 0 takes a free one [default: 8000]
        port: Option<RawOption> = port().short('p');
        /// Serve /metrics on this port instead, for all who reach it; 0 takes a free one
        metrics_port: Option<RawOption> = port();
        /// Serve HTTPS with this certificate chain (PEM)
        ssl_certfile: Option<RawOption> = value("FILE").short('t');
        /// The certificate's private key (PEM)
        ssl_keyfile: Option<RawOption> = value("FILE").short('K');
        /// Ask clients for a certificate of these authorities (PEM), and let no others in
        ssl_client_ca: Option<RawOption> = value("FILE");
        /// The path under which a reverse proxy serves mcpo, whether it strips the path or not
        root_path: Option<RawOption> = value("PATH");
        /// Put this path before every server's routes
        path_prefix: Option<RawOption> = value("PATH");
        /// Where browsers and clients reach this gateway, as in https://example.com/tools; logins come back there
        public_url: Option<RawOption> = value("URL");
        /// Trust X-Forwarded-* headers from this reverse proxy, an address or a network; repeatable
        trusted_proxy: Vec<RawOption> = list("ADDRESS");
        /// When /readyz says ready: once any server is connected, or all of them [default: any]
        ready: Option<RawOption> = value("WHEN");
    }
    "Access" {
        /// Ask callers of tools for this key, as `Authorization: Bearer KEY`
        api_key: Option<RawOption> = value("KEY").short('k').fallback("API_KEY");
        /// The same, with the key in a file
        api_key_file: Option<RawOption> = value("FILE");
        /// One key of several, with the name that logs and metrics give its holder; repeatable
        named_key: Vec<RawOption> = values("NAME=KEY");
        /// The same from a file, one NAME=KEY a line; KEY may be sha256: and its digest
        named_keys_file: Option<RawOption> = value("FILE");
        /// Accept tokens (JWT) of this OpenID or OAuth issuer from callers, as in https://id.example.com/realms/main
        jwt_issuer: Option<RawOption> = value("URL").key(Jwt, "issuer");
        /// Only those that are meant for this audience; repeatable
        jwt_audience: Vec<RawOption> = list("AUDIENCE").key(Jwt, "audience");
        /// Ask for the key everywhere, documents and pages too
        strict_auth: Option<RawOption> = switch();
        /// Let pages of this origin call; repeatable; * is any [default: *]
        cors_allow_origins: Vec<RawOption> = list("ORIGIN").key(Access, "corsAllowOrigins");
    }
    "Logins" {
        /// Keep the tokens of logins in this folder [default: ~/.mcpo/tokens]
        token_dir: Option<RawOption> = value("DIR");
        /// Encrypt the tokens in it with this key, of at least 16 characters
        token_key: Option<RawOption> = value("KEY");
        /// The same, with the key in a file
        token_key_file: Option<RawOption> = value("FILE");
    }
    "Document" {
        /// The API's title
        name: Option<RawOption> = value("TEXT").short('n');
        /// The API's description
        description: Option<RawOption> = value("TEXT").short('d');
        /// The API's version; without a value, print mcpo's own and exit
        version: Option<RawOption> = optional_value("TEXT").short('v');
        /// Name operations as the Python mcpo does (compatible: tool_NAME_post), by the tool alone (bare), or by
        /// server and tool (prefixed) [default: compatible]
        operation_ids: Option<RawOption> = value("STYLE");
    }
    "Limits" {
        /// Refuse a caller's requests above this rate, as in 10/s, 600/min or 5000/h
        rate_limit: Option<RawOption> = value("RATE").key(Access, "rateLimit");
        /// The same for all that comes from one address
        address_rate_limit: Option<RawOption> = value("RATE").key(Access, "addressRateLimit");
        /// Refuse calls with a larger body [default: 16MiB]
        max_body_size: Option<RawOption> = value("SIZE");
        /// Refuse larger answers of servers [default: 256MiB]
        max_result_size: Option<RawOption> = value("SIZE");
        /// Refuse what exceeds this size together with all bodies and answers that are held [default: a quarter of the
        /// memory, at most 1GiB]
        max_total_size: Option<RawOption> = value("SIZE");
        /// Connections of clients open at once, a quarter of them for one address [default: 4096]
        max_connections: Option<RawOption> = value("NUMBER");
        /// Time for calls in flight to finish after SIGTERM or Ctrl-C [default: 4]
        shutdown_timeout: Option<RawOption> = value("SECONDS");
        /// Time limit for opening a connection to a server's URL [default: 10]
        connect_timeout: Option<RawOption> = value("SECONDS").key(Server, "connectTimeout");
        /// Time limit for a server to list its tools after that [default: 120 for a command, 30 for a URL]
        initialize_timeout: Option<RawOption> = value("SECONDS").key(Server, "initializeTimeout");
        /// Ping a server that was silent for this time [default: 30]
        idle_timeout: Option<RawOption> = value("SECONDS").key(Server, "idleTimeout");
        /// Time limit for a call [default: 300]
        call_timeout: Option<RawOption> = value("SECONDS").key(Server, "timeout");
        /// Calls that run at once on each server [default: 64]
        max_concurrent: Option<RawOption> = value("NUMBER").key(Server, "maxConcurrent");
        /// Calls that wait for their turn; further ones are refused [default: 256]
        max_queued: Option<RawOption> = value("NUMBER").key(Server, "maxQueued");
        /// Starts of a server's command per minute [default: 10]
        restarts_per_minute: Option<RawOption> = value("NUMBER").key(Server, "restartsPerMinute");
    }
    "Options" {
        /// Record each call (caller, tool, outcome) in this file, as JSON lines; - is standard output
        audit_log: Option<RawOption> = value("FILE");
        /// trace, debug, info, warning, error or critical [default: info]
        log_level: Option<RawOption> = value("LEVEL").fallback("LOG_LEVEL");
        /// Log lines for people (human) or one JSON object a line (json) [default: human]
        log_format: Option<RawOption> = value("FORMAT");
        /// Send a span of each call to this OpenTelemetry collector (OTLP over HTTP), as in http://localhost:4318
        otlp_endpoint: Option<RawOption> = value("URL").fallback("OTEL_EXPORTER_OTLP_ENDPOINT");
    }
}

impl OptionTable {
    /// The keys of a block of the config file that set what options set.
    pub(crate) fn keys(&self, block: Block) -> Vec<&'static str> {
        let keys = self.iter().filter_map(|option| option.key);
        keys.filter(|key| key.block == block).map(|key| key.name).collect()
    }
}

/// What holds the values of an option.
trait Field {
    fn of(values: Vec<RawOption>) -> Self;
}

impl Field for Vec<RawOption> {
    fn of(values: Vec<RawOption>) -> Self {
        values
    }
}

impl Field for Option<RawOption> {
    fn of(mut values: Vec<RawOption>) -> Self {
        values.pop()
    }
}
