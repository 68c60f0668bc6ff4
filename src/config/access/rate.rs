//! How often something may happen: `10/s`, `600/min`, `5000/h`.

use std::{fmt, num::NonZeroU32, time::Duration};

use crate::config::{ConfigError, RawOption};

/// A number of requests per period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many; all of them may come at once.
    pub count: NonZeroU32,
    /// The period.
    pub per: Duration,
}

const UNITS: [(&str, u64); 6] = [("s", 1), ("sec", 1), ("m", 60), ("min", 60), ("h", 3600), ("hour", 3600)];

impl Rate {
    /// Reads a rate.
    pub(crate) fn parse(given: &RawOption) -> Result<Self, ConfigError> {
        let read = || {
            let (count, unit) = given.value.split_once('/')?;
            let unit = unit.trim().to_ascii_lowercase();
            let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
            Some(Self { count: count.trim().parse().ok()?, per: Duration::from_secs(seconds) })
        };
        read().ok_or_else(|| {
            given.error(format_args!(
                "\"{}\" is not a rate; write one such as 10/s, 600/min or 5000/h",
                given.value
            ))
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} s", self.count, self.per.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_a_number_and_a_span() {
        let read =
            |text: &str| Rate::parse(&RawOption { value: text.into(), origin: "--rate-limit".into() }).ok();
        let rate = |count, seconds| Some(Rate { count, per: Duration::from_secs(seconds) });
        let ten = NonZeroU32::new(10).expect("not zero");
        assert_eq!(read("10/s"), rate(ten, 1));
        assert_eq!(read(" 10 / Min "), rate(ten, 60));
        assert_eq!(read("10/h"), rate(ten, 3600));
        for wrong in ["", "10", "/s", "0/s", "-1/s", "1.5/s", "10/day", "10/", "99999999999/s"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
