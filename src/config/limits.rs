//! The sizes of requests and results, and the time for shutdown.

use std::time::Duration;

use crate::config::{ConfigError, Options, RawOption, memory};

/// More than this is held only if the operator says so.
const MOST: usize = 1 << 30;

/// The largest messages, in bytes, and the longest shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The body of a call.
    pub body: usize,
    /// The result of a call.
    pub result: usize,
    /// All bodies and answers that are held at once.
    pub total: usize,
    /// How long calls may go on after a signal to stop.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        // Docker kills after 10 s, and children need some of that time.
        Self { body: 16 << 20, result: 256 << 20, total: MOST, shutdown: Duration::from_secs(4) }
    }
}

impl Limits {
    pub(crate) fn of_options(options: &Options) -> Result<Self, ConfigError> {
        let default = Self::default();
        let size = |given: &Option<RawOption>| given.as_ref().map(size).transpose();
        Ok(Self {
            body: size(&options.max_body_size)?.unwrap_or(default.body),
            result: size(&options.max_result_size)?.unwrap_or(default.result),
            total: size(&options.max_total_size)?.unwrap_or_else(default_total),
            shutdown: options.shutdown_timeout.as_ref().map_or(Ok(default.shutdown), seconds)?,
        })
    }
}

/// A quarter of the memory at most: while an answer is converted, it exists up to three times.
fn default_total() -> usize {
    memory::available().map_or(MOST, |bytes| (bytes / 4).min(MOST))
}

const UNITS: [(&str, usize); 7] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("b", 1),
];

/// Reads `64MiB`, `100 MB` or a number of bytes.
pub(crate) fn size(given: &RawOption) -> Result<usize, ConfigError> {
    let text = given.value.trim().to_ascii_lowercase();
    let unit = UNITS.iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)));
    let (number, bytes) = unit.unwrap_or((&text, 1));
    let size = number.trim().parse::<usize>().ok().and_then(|number| number.checked_mul(bytes));
    size.filter(|size| *size > 0).ok_or_else(|| {
        given.error(format_args!(
            "\"{}\" is not a size; write one such as 64MiB, or a number of bytes",
            given.value
        ))
    })
}

/// Reads a whole number of seconds, up to a day; 0 does not wait.
fn seconds(given: &RawOption) -> Result<Duration, ConfigError> {
    const LONGEST: u64 = 24 * 60 * 60;
    let seconds = given.value.trim().parse().ok().filter(|seconds| *seconds <= LONGEST);
    seconds.map(Duration::from_secs).ok_or_else(|| {
        given.error(format_args!(
            "\"{}\" is not a time; write a whole number of seconds, at most {LONGEST}",
            given.value
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_or_none() {
        let read =
            |text: &str| size(&RawOption { value: text.into(), origin: "--max-body-size".into() }).ok();
        assert_eq!(read("5"), Some(5));
        assert_eq!(read(" 64MiB "), Some(64 << 20));
        assert_eq!(read("1 gb"), Some(1_000_000_000));
        assert_eq!(read("7B"), Some(7));
        for wrong in ["", "0", "-1", "1.5MB", "MB", "1 TB", "99999999999999999999"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
