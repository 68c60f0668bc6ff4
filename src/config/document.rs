//! What the OpenAPI documents say of the API, and how they name operations.

use crate::config::{ConfigError, Options, RawOption};

/// `--name`, `--description`, `--version`; `None` where not given, as the default differs by mode.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The document's title.
    pub name: Option<String>,
    /// The document's description.
    pub description: Option<String>,
    /// The API's version.
    pub version: Option<String>,
}

impl About {
    pub(crate) fn of_options(options: &Options) -> Self {
        let text = |given: &Option<RawOption>| {
            given.as_ref().map(|given| given.value.clone()).filter(|value| !value.is_empty())
        };
        Self {
            name: text(&options.name),
            description: text(&options.description),
            version: text(&options.version),
        }
    }
}

/// `--operation-ids`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OperationIds {
    /// `tool_get_time_post`, as the Python mcpo has it.
    #[default]
    Compatible,
    /// `get_time`
    Bare,
    /// `clock_get_time`, for documents that are put together.
    Prefixed,
}

impl OperationIds {
    pub(crate) fn of_options(options: &Options) -> Result<Self, ConfigError> {
        let Some(given) = &options.operation_ids else { return Ok(Self::default()) };
        match given.value.trim().to_ascii_lowercase().as_str() {
            "compatible" => Ok(Self::Compatible),
            "bare" => Ok(Self::Bare),
            "prefixed" => Ok(Self::Prefixed),
            other => {
                Err(given.error(format_args!("unknown style \"{other}\"; use compatible, bare or prefixed")))
            }
        }
    }
}
