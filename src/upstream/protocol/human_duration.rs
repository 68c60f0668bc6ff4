//! Durations as people say them.

use std::{fmt, time::Duration};

/// A duration in the largest units that fit, two at most: `500 ms`, `1.5 s`, `2 min 5 s`, `3 h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HumanDuration(pub(crate) Duration);

impl fmt::Display for HumanDuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, milliseconds) = (self.0.as_secs(), self.0.as_millis());
        let mut parts = |large: u64, unit: &str, small: u64, smaller: &str| match small {
            0 => write!(out, "{large} {unit}"),
            small => write!(out, "{large} {unit} {small} {smaller}"),
        };
        match seconds {
            0 => write!(out, "{milliseconds} ms"),
            1..10 if milliseconds % 1000 >= 100 => write!(out, "{seconds}.{} s", milliseconds % 1000 / 100),
            1..60 => write!(out, "{seconds} s"),
            60..3600 => parts(seconds / 60, "min", seconds % 60, "s"),
            _ => parts(seconds / 3600, "h", seconds / 60 % 60, "min"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_naturally() {
        for (milliseconds, text) in [
            (0, "0 ms"),
            (480, "480 ms"),
            (1_000, "1 s"),
            (1_540, "1.5 s"),
            (30_000, "30 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (125_000, "2 min 5 s"),
            (3_600_000, "1 h"),
            (5_430_000, "1 h 30 min"),
        ] {
            assert_eq!(HumanDuration(Duration::from_millis(milliseconds)).to_string(), text);
        }
    }
}
