//! clap's errors in our words: one line that says what to do.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::command::command;

/// The error about anything beside `example-server`.
pub(super) const STANDS_ALONE: &str = "example-server stands alone: it takes no options and no arguments";

/// clap's error in one line that says what to do.
pub(super) fn explain(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let word =
        text(ContextKind::InvalidSubcommand).or_else(|| text(ContextKind::InvalidArg)).unwrap_or_default();
    let whole = error.to_string();
    let within = command()
        .get_subcommands()
        .map(|subcommand| format!("mcpo {}", subcommand.get_name()))
        .find(|usage| whole.contains(&format!("Usage: {usage}")));
    if within.as_deref() == Some("mcpo example-server") {
        return STANDS_ALONE.to_owned();
    }
    match error.kind() {
        ErrorKind::UnknownArgument if !word.starts_with('-') && within.is_some() => {
            format!("unexpected \"{word}\"; {} --help tells what it takes", within.unwrap_or_default())
        }
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
