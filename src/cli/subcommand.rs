//! The sub-commands. Every option of mcpo may be given before or after them.

/// About, usage and notes: the options would only repeat `mcpo --help`.
pub(super) const HELP_TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}{after-help}";

const SERVER: &str = "\
SERVER is the server's name in the config file; with one remote server it may be left out. The
options are those of mcpo itself, before or after the word (mcpo --help lists them). Give the
same --token-dir and --token-key-file as for serving, so that the gateway finds what is kept.";

const OPTIONS: &str = "\
The options are those of mcpo itself, before or after the word (mcpo --help lists them). Give the
same --token-dir and --token-key-file as for serving.";

/// What mcpo does instead of serving.
#[derive(clap::Subcommand)]
pub(super) enum Subcommand {
    /// Log in to a remote server that asks for OAuth, and keep the tokens
    #[command(
        override_usage = "mcpo login [SERVER] [OPTIONS] --config FILE\n       mcpo login [OPTIONS] -- URL",
        after_help = SERVER
    )]
    Login { server: Option<String> },
    /// Forget the tokens of a remote server
    #[command(
        override_usage = "mcpo logout [SERVER] [OPTIONS] --config FILE\n       mcpo logout [OPTIONS] -- URL",
        after_help = SERVER
    )]
    Logout { server: Option<String> },
    /// List the remote servers and what is kept for each, but no token itself
    #[command(
        override_usage = "mcpo tokens [OPTIONS] --config FILE\n       mcpo tokens [OPTIONS] -- URL",
        after_help = OPTIONS
    )]
    Tokens,
    /// Be a small MCP server on stdin and stdout, to try mcpo with: mcpo -- mcpo example-server
    #[command(override_usage = "mcpo example-server")]
    ExampleServer,
}
