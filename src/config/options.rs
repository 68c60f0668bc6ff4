//! The options as given, before anything is made of them.
//!
//! Each remembers its origin, so that an error about it names what the user wrote: `--port`, or `MCPO_PORT`.

use super::error::{ConfigError, reason};

/// One option's value. No `Debug`: it may be a secret.
pub struct Given {
    /// As written.
    pub value: String,
    /// `--port` or `MCPO_PORT`.
    pub origin: String,
}

impl Given {
    /// An error about this option.
    pub(super) fn error(&self, message: impl std::fmt::Display) -> ConfigError {
        ConfigError::at(&self.origin, message)
    }

    /// Another value from the same place.
    pub(super) fn with(&self, value: String) -> Self {
        Self { value, origin: self.origin.clone() }
    }

    /// An error about two options that give the same key: this one and `other`.
    pub(super) fn given_twice(&self, other: &Self) -> ConfigError {
        self.error(format_args!("the key is given by {} too; keep one of the two", other.origin))
    }

    /// The bytes of the file that the value names.
    pub(super) fn read(&self) -> Result<Vec<u8>, ConfigError> {
        if self.value.is_empty() {
            return Err(self.error("is empty; name a file"));
        }
        std::fs::read(&self.value)
            .map_err(|error| self.error(format_args!("cannot read {}: {}", self.value, reason(&error))))
    }

    /// The text of the file that the value names.
    pub(super) fn read_text(&self) -> Result<String, ConfigError> {
        String::from_utf8(self.read()?)
            .map_err(|_| self.error(format_args!("{} is not UTF-8 text; save it as UTF-8", self.value)))
    }

    /// The text of the file that the value names, which holds `what` and nothing else.
    pub(super) fn read_secret(&self, what: &str) -> Result<String, ConfigError> {
        let text = self.read_text()?;
        // Editors and `echo` end a file with a newline that nobody means as part of a key.
        let secret =
            text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        if secret.is_empty() {
            return Err(self.error(format_args!("{} is empty; write the {what} into it", self.value)));
        }
        Ok(secret.to_owned())
    }
}

/// Every option, and the command or URL after `--`; absent where neither flag nor variable gives it.
#[derive(Default)]
#[expect(missing_docs, reason = "each is named as its flag, which `mcpo --help` explains")]
pub struct Options {
    pub host: Option<Given>,
    pub port: Option<Given>,
    pub metrics_port: Option<Given>,
    pub ssl_certfile: Option<Given>,
    pub ssl_keyfile: Option<Given>,
    pub ssl_client_ca: Option<Given>,
    pub root_path: Option<Given>,
    pub path_prefix: Option<Given>,
    pub public_url: Option<Given>,
    pub trusted_proxy: Vec<Given>,
    pub api_key: Option<Given>,
    pub api_key_file: Option<Given>,
    pub named_key: Vec<Given>,
    pub named_keys_file: Option<Given>,
    pub rate_limit: Option<Given>,
    pub address_rate_limit: Option<Given>,
    pub jwt_issuer: Option<Given>,
    pub jwt_audience: Vec<Given>,
    pub strict_auth: Option<Given>,
    pub cors_allow_origins: Vec<Given>,
    pub token_dir: Option<Given>,
    pub token_key: Option<Given>,
    pub token_key_file: Option<Given>,
    pub name: Option<Given>,
    pub description: Option<Given>,
    pub version: Option<Given>,
    pub config: Option<Given>,
    pub hot_reload: Option<Given>,
    pub server_type: Option<Given>,
    pub header: Vec<Given>,
    pub env: Vec<Given>,
    pub env_path: Option<Given>,
    pub operation_ids: Option<Given>,
    pub ready: Option<Given>,
    pub max_body_size: Option<Given>,
    pub max_result_size: Option<Given>,
    pub max_connections: Option<Given>,
    pub shutdown_timeout: Option<Given>,
    pub connect_timeout: Option<Given>,
    pub initialize_timeout: Option<Given>,
    pub idle_timeout: Option<Given>,
    pub call_timeout: Option<Given>,
    pub max_concurrent: Option<Given>,
    pub max_queued: Option<Given>,
    pub restarts_per_minute: Option<Given>,
    pub audit_log: Option<Given>,
    pub log_level: Option<Given>,
    pub log_format: Option<Given>,
    pub otlp_endpoint: Option<Given>,
    pub command: Vec<String>,
}
