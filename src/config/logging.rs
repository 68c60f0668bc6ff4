//! What is logged and how, where calls are recorded, and where spans are sent.

use std::path::PathBuf;

use url::Url;

use crate::config::{ConfigError, Environment, Options, RawOption, http_url};

/// `--log-level`, by the names that Python gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What helps to find the cause of a failure.
    Debug,
    /// What happens.
    #[default]
    Info,
    /// What may become a failure.
    Warning,
    /// What failed.
    Error,
    /// Only what ends mcpo.
    Critical,
}

impl LogLevel {
    pub(crate) fn of_options(options: &Options, warnings: &mut Vec<String>) -> Result<Self, ConfigError> {
        let Some(given) = &options.log_level else { return Ok(Self::default()) };
        let unknown = || {
            format!("unknown level \"{}\"; use trace, debug, info, warning, error or critical", given.value)
        };
        match Self::parse(given.value.trim()) {
            Some(level) => Ok(level),
            // Other programs read LOG_LEVEL too, so it may well be meant for one of them.
            None if given.origin == "LOG_LEVEL" => {
                warnings.push(format!("LOG_LEVEL: {}; info is used", unknown()));
                Ok(Self::default())
            }
            None => Err(given.error(unknown())),
        }
    }

    /// The level of this name, in any case.
    fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "trace" => Some(Self::Trace),
            "debug" => Some(Self::Debug),
            "info" => Some(Self::Info),
            "warning" | "warn" => Some(Self::Warning),
            "error" => Some(Self::Error),
            "critical" => Some(Self::Critical),
            _ => None,
        }
    }
}

/// `--log-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    pub(crate) fn of_options(options: &Options) -> Result<Self, ConfigError> {
        let Some(given) = &options.log_format else { return Ok(Self::default()) };
        match given.value.trim().to_ascii_lowercase().as_str() {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            other => Err(given.error(format_args!("unknown format \"{other}\"; use human or json"))),
        }
    }
}

/// Whether lines for people have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogColours {
    /// Only if a terminal shows them.
    OnTerminal,
    /// No.
    Never,
    /// Yes, wherever they go.
    Always,
}

impl LogColours {
    /// What the user's environment asks of all programs (<https://no-color.org>, <https://bixense.com/clicolors>).
    pub(crate) fn of(environment: &Environment) -> Self {
        let value = |name| environment.get(name).filter(|value| !value.is_empty());
        match (value("NO_COLOR"), value("CLICOLOR_FORCE")) {
            (Some(_), _) => Self::Never,
            (None, Some(force)) if force != "0" => Self::Always,
            (None, _) => Self::OnTerminal,
        }
    }
}

/// The OpenTelemetry collector of `--otlp-endpoint`.
pub(crate) fn collector(given: &RawOption) -> Result<Url, ConfigError> {
    http_url::parse(&given.value)
        .map_err(|_| given.error("not an http or https URL; write it as in http://localhost:4318"))
}

/// `--audit-log`: where calls are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audit {
    /// Standard output, which mcpo does not use otherwise.
    Stdout,
    /// This file, appended to.
    File(PathBuf),
}

impl Audit {
    pub(crate) fn parse(given: &RawOption) -> Result<Self, ConfigError> {
        match given.value.as_str() {
            "" => Err(given.error("is empty; name a file, or write - for standard output")),
            "-" => Ok(Self::Stdout),
            file => Ok(Self::File(file.into())),
        }
    }
}
