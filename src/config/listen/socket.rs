//! The listening socket: `--host`, `--port` and what belongs to them.

use std::num::NonZeroU32;

use crate::config::{ConfigError, Options, RawOption, Tls, TrustedProxies};

/// How many connections of clients may be open by default.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// The listening socket.
#[derive(Debug, Clone)]
pub struct Listen {
    /// A host name or an address; `0.0.0.0` by default.
    pub host: String,
    /// 0 lets the system choose.
    pub port: u16,
    /// Certificate and key, checked to match.
    pub tls: Option<Tls>,
    /// The trusted reverse proxies.
    pub proxies: TrustedProxies,
    /// How many connections of clients may be open.
    pub max_connections: NonZeroU32,
}

impl Listen {
    pub(crate) fn of_options(options: &Options) -> Result<Self, ConfigError> {
        let host = match &options.host {
            Some(given) if given.value.trim().is_empty() => {
                return Err(
                    given.error("is empty; use an address such as 127.0.0.1, or leave it out for 0.0.0.0")
                );
            }
            Some(given) => given.value.trim().to_owned(),
            None => "0.0.0.0".to_owned(),
        };
        let connections = options.max_connections.as_ref().map(|given| given.count(1)).transpose()?;
        let port = options.port.as_ref().map_or(Ok(8000), RawOption::port)?;
        Ok(Self {
            host,
            port,
            tls: Tls::of_options(options)?,
            proxies: TrustedProxies::parse(&options.trusted_proxy)?,
            max_connections: connections.and_then(NonZeroU32::new).unwrap_or(CONNECTIONS),
        })
    }
}
