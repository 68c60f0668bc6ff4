//! The command line as clap reads it, made from the table of options, and the help around them.

use clap::{Arg, ArgAction, Subcommand as _};

use super::subcommand::{HELP_TEMPLATE, Subcommand};
use crate::config::{OPTIONS, OptionSpec, Takes};

/// The name of the argument for everything after `--`.
pub(super) const COMMAND: &str = "command";

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

const USAGE: &str =
    "mcpo [OPTIONS] -- COMMAND [ARGS]...\n       mcpo [OPTIONS] -- URL\n       mcpo [OPTIONS] --config FILE";

/// The command line as clap reads it.
pub(super) fn command() -> clap::Command {
    let command = clap::Command::new("mcpo")
        .after_help(EXAMPLES)
        .override_usage(USAGE)
        .max_term_width(100)
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        // As everywhere, the last of several wins, so that a script's options can be overridden.
        .args_override_self(true)
        .next_help_heading("Options")
        // The usage lines describe it better than a line among the options would.
        .arg(Arg::new(COMMAND).last(true).hide(true).action(ArgAction::Append).num_args(1..))
        .args(OPTIONS.iter().map(argument))
        .arg(Arg::new("help").long("help").help("Print this help and exit").action(ArgAction::Help));
    // Global arguments may also follow a sub-command.
    Subcommand::augment_subcommands(command)
        .about(ABOUT)
        .mut_args(|argument| argument.global(true))
        .mut_subcommands(|command| command.help_template(HELP_TEMPLATE))
}

fn argument(option: &OptionSpec) -> Arg {
    let argument = Arg::new(option.name).long(option.long()).short(option.short).help(option.help());
    let argument = argument.help_heading(option.heading).value_name(option.value_name);
    let argument = argument.visible_aliases(option.alias);
    match option.takes {
        Takes::Nothing => argument.action(ArgAction::SetTrue),
        Takes::Value | Takes::Port => argument.action(ArgAction::Set),
        Takes::OptionalValue => argument.action(ArgAction::Set).num_args(0..=1),
        Takes::Values | Takes::List => argument.action(ArgAction::Append),
    }
}
