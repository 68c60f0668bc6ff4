//! What is wrong with the configuration, in one clear line.
//!
//! The text says where (option, or file, line and key), what is wrong, and what to do. It never holds a secret: header
//! values, environment values, keys and URLs are named only by their place.

use std::{fmt, io};

/// An option or a config that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// An error without a place, such as a command line with nothing to serve.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// An error at a place, such as `--port` or `config.json:12: mcpServers.time.url`.
    pub(super) fn at(place: impl fmt::Display, message: impl fmt::Display) -> Self {
        Self(format!("{place}: {message}"))
    }
}

/// Why a file cannot be read, without the operating system's error numbers.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        kind => kind.to_string(),
    }
}

/// Returns the known word that is most similar to `word`; `None` if none is similar enough.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], "");
    let (distance, nearest) = known
        .iter()
        .map(|known| (strsim::osa_distance(&plain(word), &plain(known)), *known))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= nearest.len() / 3).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_the_key_that_was_meant_and_a_stranger_finds_none() {
        let known = ["command", "args", "env", "disabledTools"];
        assert_eq!(nearest("comand", &known), Some("command"));
        assert_eq!(nearest("ENV", &known), Some("env"));
        assert_eq!(nearest("disabled-tools", &known), Some("disabledTools"));
        assert_eq!(nearest("autoApprove", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
