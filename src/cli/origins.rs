//! Where an option's value comes from: its flag, else its `MCPO_*` variable.

use crate::config::{Environment, RawOption};

/// Gives each option its value and its origin: the flag, else the variable.
pub(super) struct Origins<'a>(pub(super) &'a Environment);

impl Origins<'_> {
    pub(super) fn one(&self, long: &str, flag: Option<String>) -> Option<RawOption> {
        flag.map(|value| RawOption { value, origin: format!("--{long}") })
            .or_else(|| self.variable(&variable(long)))
    }

    pub(super) fn switch(&self, long: &str, flag: bool) -> Option<RawOption> {
        self.one(long, flag.then(|| "true".to_owned()))
    }

    /// The variable holds several only where `separator` cannot be part of a value.
    pub(super) fn list(&self, long: &str, flags: Vec<String>, separator: Option<char>) -> Vec<RawOption> {
        if !flags.is_empty() {
            return flags.into_iter().map(|value| RawOption { value, origin: format!("--{long}") }).collect();
        }
        let Some(all) = self.variable(&variable(long)) else { return Vec::new() };
        let Some(separator) = separator else { return vec![all] };
        let values = all.value.split(separator);
        values.map(|value| RawOption { value: value.to_owned(), origin: all.origin.clone() }).collect()
    }

    pub(super) fn variable(&self, name: &str) -> Option<RawOption> {
        let value = self.0.get(name).filter(|value| !value.is_empty())?;
        Some(RawOption { value: value.to_owned(), origin: name.to_owned() })
    }
}

pub(super) fn variable(long: &str) -> String {
    format!("MCPO_{}", long.to_uppercase().replace('-', "_"))
}
