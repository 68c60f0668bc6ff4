//! One value as the user wrote it, and the readers of the kinds of values that several options share.
//!
//! A value remembers its origin, so that an error about it names what the user wrote: `--port`, or `MCPO_PORT`.

use crate::config::{ConfigError, source_file::read_file};

/// The largest count that an option may ask for.
pub(crate) const MAX_COUNT: u32 = 1_000_000;

/// One option's value. No `Debug`: it may be a secret.
pub struct RawOption {
    /// As written.
    pub value: String,
    /// `--port` or `MCPO_PORT`.
    pub origin: String,
}

impl RawOption {
    /// An error about this option.
    pub(crate) fn error(&self, message: impl std::fmt::Display) -> ConfigError {
        ConfigError::at(&self.origin, message)
    }

    /// Another value from the same place.
    pub(crate) fn with(&self, value: String) -> Self {
        Self { value, origin: self.origin.clone() }
    }

    /// An error about two options, this one and `other`, that both give the key.
    pub(crate) fn given_twice(&self, other: &Self) -> ConfigError {
        self.error(format_args!("the key is given by {} too; keep one of the two", other.origin))
    }

    /// The bytes of the file that the value names.
    pub(crate) fn read(&self) -> Result<Vec<u8>, ConfigError> {
        if self.value.is_empty() {
            return Err(self.error("is empty; name a file"));
        }
        read_file(&self.value)
            .map_err(|reason| self.error(format_args!("cannot read {}: {reason}", self.value)))
    }

    /// The text of the file that the value names.
    pub(crate) fn read_text(&self) -> Result<String, ConfigError> {
        String::from_utf8(self.read()?)
            .map_err(|_| self.error(format_args!("{} is not UTF-8 text; save it as UTF-8", self.value)))
    }

    /// The text of the file that the value names: the `what`, and nothing else.
    pub(crate) fn read_secret(&self, what: &str) -> Result<String, ConfigError> {
        let text = self.read_text()?;
        // The newline that editors and `echo` write at the end is not part of a key.
        let secret =
            text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        if secret.is_empty() {
            return Err(self.error(format_args!("{} is empty; write the {what} into it", self.value)));
        }
        Ok(secret.to_owned())
    }

    /// `true` or `false`, in any of the usual words.
    pub(crate) fn boolean(&self) -> Result<bool, ConfigError> {
        match self.value.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            other => Err(self.error(format_args!("\"{other}\" is neither true nor false"))),
        }
    }

    /// A port number.
    pub(crate) fn port(&self) -> Result<u16, ConfigError> {
        self.value.trim().parse().map_err(|_| {
            self.error(format_args!("\"{}\" is not a port; use a number from 0 to 65535", self.value))
        })
    }

    /// A number of at least `min`.
    pub(crate) fn count(&self, min: u32) -> Result<u32, ConfigError> {
        let number = self.value.trim().parse().ok().filter(|number| (min..=MAX_COUNT).contains(number));
        number.ok_or_else(|| {
            self.error(format_args!("\"{}\" is not a number from {min} to {MAX_COUNT}", self.value))
        })
    }
}
