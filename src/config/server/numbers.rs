//! Times and counts of one server, as the config file has them.

use std::time::Duration;

use crate::config::{ConfigError, json::ConfigNode, raw_option::MAX_COUNT};

/// Longer than any call, and short enough to be added to any time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
pub(super) const NOT_A_TIME: &str = "not a time in seconds; use a number above 0 and at most a year";

/// A time in seconds.
pub(super) fn time(node: &ConfigNode<'_>) -> Result<Duration, ConfigError> {
    node.number()?.as_f64().and_then(seconds).ok_or_else(|| node.error(NOT_A_TIME))
}

/// The same, from a number.
pub(super) fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok().filter(|time| !time.is_zero() && *time <= LONGEST)
}

/// A number of at least `min`.
pub(super) fn count(node: &ConfigNode<'_>, min: u32) -> Result<u32, ConfigError> {
    let number = node.number()?.as_u64().and_then(|number| u32::try_from(number).ok());
    number
        .filter(|number| (min..=MAX_COUNT).contains(number))
        .ok_or_else(|| node.error(format_args!("not a number from {min} to {MAX_COUNT}")))
}
