//! Timeouts and limits of one server. Options set them for all servers, the config file for one.

use std::{num::NonZeroU32, time::Duration};

use super::{
    Upstream,
    numbers::{NOT_A_TIME, count, seconds, time},
};
use crate::config::{ConfigError, OPTIONS, Options, RawOption, json::ConfigObject};

/// Timeouts and limits of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The timeout for opening a TCP or TLS connection.
    pub connect: Duration,
    /// The timeout from there, or from the start of a program, to the list of tools; `None` is the default.
    initialize: Option<Duration>,
    /// How long a server may be silent before it is pinged.
    pub idle: Duration,
    /// The timeout for a call, including its time in the queue.
    pub call: Duration,
    /// How many calls run at once.
    pub concurrent: NonZeroU32,
    /// How many more may wait in the queue.
    pub queued: u32,
    /// How many times per minute a child process may be started.
    pub restarts: NonZeroU32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            initialize: None,
            idle: Duration::from_secs(30),
            call: Duration::from_secs(300),
            concurrent: const { NonZeroU32::new(64).unwrap() },
            queued: 256,
            restarts: const { NonZeroU32::new(10).unwrap() },
        }
    }
}

impl Bounds {
    /// The settings for all servers.
    pub(crate) fn of_options(options: &Options) -> Result<Self, ConfigError> {
        let default = Self::default();
        let time = |given: &Option<RawOption>| given.as_ref().map(given_time).transpose();
        let count = |given: &Option<RawOption>, min| given.as_ref().map(|given| given.count(min)).transpose();
        Ok(Self {
            connect: time(&options.connect_timeout)?.unwrap_or(default.connect),
            initialize: time(&options.initialize_timeout)?,
            idle: time(&options.idle_timeout)?.unwrap_or(default.idle),
            call: time(&options.call_timeout)?.unwrap_or(default.call),
            concurrent: count(&options.max_concurrent, 1)?.map_or(default.concurrent, above_zero),
            queued: count(&options.max_queued, 0)?.unwrap_or(default.queued),
            restarts: count(&options.restarts_per_minute, 1)?.map_or(default.restarts, above_zero),
        })
    }

    /// The timeout for the handshake and the list of tools together.
    pub fn initialize(&self, upstream: &Upstream) -> Duration {
        self.initialize.unwrap_or(match upstream {
            // `npx` and `uvx` may have to fetch a package first.
            Upstream::Stdio(_) => Duration::from_secs(120),
            _ => Duration::from_secs(30),
        })
    }

    /// The settings of one server: its own, or else those for all.
    pub(crate) fn of_server(self, object: &ConfigObject<'_>) -> Result<Self, ConfigError> {
        let of = &OPTIONS;
        Ok(Self {
            connect: object.read_option(&of.connect_timeout, time)?.unwrap_or(self.connect),
            initialize: object.read_option(&of.initialize_timeout, time)?.or(self.initialize),
            idle: object.read_option(&of.idle_timeout, time)?.unwrap_or(self.idle),
            call: object.read_option(&of.call_timeout, time)?.unwrap_or(self.call),
            concurrent: object
                .read_option(&of.max_concurrent, |node| count(node, 1))?
                .map_or(self.concurrent, above_zero),
            queued: object.read_option(&of.max_queued, |node| count(node, 0))?.unwrap_or(self.queued),
            restarts: object
                .read_option(&of.restarts_per_minute, |node| count(node, 1))?
                .map_or(self.restarts, above_zero),
        })
    }
}

fn given_time(given: &RawOption) -> Result<Duration, ConfigError> {
    let time = given.value.trim().parse().ok().and_then(seconds);
    time.ok_or_else(|| given.error(format_args!("\"{}\" is {NOT_A_TIME}", given.value)))
}

/// A count of at least 1.
fn above_zero(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}
