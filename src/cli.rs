//! The command line: flags as typed, each with its `MCPO_*` variable, passed on unparsed.
//!
//! clap sees only the shape. `config` parses the values, so that a flag and its variable follow the same rules, and
//! errors name the one that the user wrote.

mod command;
mod explain;
mod subcommand;
#[cfg(test)]
mod tests;
mod values;

use std::ffi::OsString;

use clap::{ArgMatches, FromArgMatches as _, error::ErrorKind};

use self::{
    command::{COMMAND, command},
    explain::{STANDS_ALONE, explain},
    subcommand::Subcommand,
    values::values,
};
use crate::{
    child::Role,
    config::{ConfigError, Environment, OPTIONS, Options},
};

/// What to do.
pub enum Invocation {
    /// Serve MCP servers over HTTP.
    Serve(Box<Options>),
    /// Manage the tokens of remote servers.
    Tokens {
        /// What to do with them.
        action: TokenAction,
        /// As for serving: the servers, and where their tokens are stored.
        options: Box<Options>,
    },
    /// Be the embedded MCP server, on stdin and stdout.
    ExampleServer,
    /// Print this text and exit.
    Show(String),
}

/// What to do with tokens. Without a name, it is for the only remote server.
pub enum TokenAction {
    /// Get them for this server, by logging in.
    Login(Option<String>),
    /// Forget the tokens of this server.
    Logout(Option<String>),
    /// List them.
    List,
}

const NO_SERVER: &str = "whose tokens? Name a config file, as in: mcpo login --config config.json, or a URL, as in: \
     mcpo login -- https://example.com/mcp";

/// The role of a process that mcpo itself has started; such a process reads no option and no variable.
pub fn role() -> Option<Role> {
    let arguments: Option<Vec<_>> = std::env::args_os().skip(1).map(|word| word.into_string().ok()).collect();
    Role::of(&arguments?)
}

/// Reads this process's arguments, and the variables for absent flags.
pub fn of_process(environment: &Environment) -> Result<Invocation, ConfigError> {
    parse(std::env::args_os(), environment)
}

/// Reads `arguments`, the program's name first.
fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Invocation, ConfigError> {
    let read = command().try_get_matches_from(arguments).and_then(|mut matches| {
        let subcommand = matches.subcommand_name().is_some();
        let subcommand = subcommand.then(|| Subcommand::from_arg_matches_mut(&mut matches)).transpose()?;
        Ok((matches, subcommand))
    });
    let (mut flags, subcommand) = match read {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return Ok(Invocation::Show(error.to_string()));
        }
        Err(error) => return Err(ConfigError::new(explain(&error))),
    };
    let action = match subcommand {
        Some(Subcommand::ExampleServer) if !flags.args_present() => return Ok(Invocation::ExampleServer),
        Some(Subcommand::ExampleServer) => return Err(ConfigError::new(STANDS_ALONE)),
        Some(Subcommand::Login { server }) => Some(TokenAction::Login(server)),
        Some(Subcommand::Logout { server }) => Some(TokenAction::Logout(server)),
        Some(Subcommand::Tokens) => Some(TokenAction::List),
        None => None,
    };
    let version = OPTIONS.version.name;
    if flags.contains_id(version) && flags.get_one::<String>(version).is_none() {
        return Ok(Invocation::Show(concat!("mcpo ", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
    }
    let options = Box::new(options(&mut flags, environment));
    match action {
        None => Ok(Invocation::Serve(options)),
        Some(_) if options.config.is_none() && options.command.is_empty() => Err(ConfigError::new(NO_SERVER)),
        Some(action) => Ok(Invocation::Tokens { action, options }),
    }
}

fn options(flags: &mut ArgMatches, environment: &Environment) -> Options {
    let mut options = Options::read(|option| values(option, flags, environment));
    options.command = flags.remove_many(COMMAND).map(Iterator::collect).unwrap_or_default();
    // Other programs' key must not contradict a key file of ours.
    if options.api_key_file.is_some() {
        options.api_key = options.api_key.filter(|key| Some(key.origin.as_str()) != OPTIONS.api_key.fallback);
    }
    options
}
