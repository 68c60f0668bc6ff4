//! The service manager that started mcpo, found in the environment: sd_notify(3) and sd_watchdog_enabled(3).

#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt as _;
use std::{io, os::unix::net::SocketAddr, process, time::Duration};

use crate::config::Environment;

/// The variables of a service manager. Child processes do not get them, since it does not wait for those.
pub(crate) const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// The service manager that expects notifications.
#[derive(Debug, Clone)]
pub struct ServiceManager {
    /// The address of its socket.
    pub address: SocketAddr,
    /// It restarts mcpo if it hears nothing for this long.
    pub watchdog: Option<Duration>,
}

impl ServiceManager {
    /// `None` without a service manager. An address that cannot be used is only a warning.
    pub(crate) fn find(environment: &Environment, warnings: &mut Vec<String>) -> Option<Self> {
        let [socket, period, process] = VARIABLES.map(|name| environment.get(name));
        let address = address(socket.filter(|socket| !socket.is_empty())?)
            .map_err(|error| warnings.push(format!("NOTIFY_SOCKET: cannot be used: {error}")))
            .ok()?;
        let ours = process.is_none_or(|id| id.parse() == Ok(process::id()));
        let period = period.and_then(|period| period.parse().ok()).filter(|period| *period > 0 && ours);
        Some(Self { address, watchdog: period.map(Duration::from_micros) })
    }
}

fn address(socket: &str) -> io::Result<SocketAddr> {
    match socket.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => SocketAddr::from_abstract_name(name),
        _ if socket.starts_with('/') => SocketAddr::from_pathname(socket),
        _ => Err(io::Error::other("neither a path nor the name of an abstract socket")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watchdog(variables: &[(&str, &str)]) -> Option<Option<Duration>> {
        let manager = ServiceManager::find(&Environment::of(variables), &mut vec![]);
        manager.map(|manager| manager.watchdog)
    }

    #[test]
    fn only_what_is_meant_for_this_process_counts() {
        let socket = ("NOTIFY_SOCKET", "/run/notify");
        let second = Some(Some(Duration::from_secs(1)));
        assert_eq!(watchdog(&[]), None);
        assert_eq!(watchdog(&[("NOTIFY_SOCKET", "")]), None);
        assert_eq!(watchdog(&[("NOTIFY_SOCKET", "vsock:2:1")]), None);
        assert_eq!(watchdog(&[socket]), Some(None));
        assert_eq!(watchdog(&[("NOTIFY_SOCKET", "@abstract"), ("WATCHDOG_USEC", "1000000")]), second);
        assert_eq!(watchdog(&[socket, ("WATCHDOG_USEC", "0")]), Some(None));
        let own = process::id().to_string();
        assert_eq!(watchdog(&[socket, ("WATCHDOG_USEC", "1000000"), ("WATCHDOG_PID", &own)]), second);
        assert_eq!(watchdog(&[socket, ("WATCHDOG_USEC", "1000000"), ("WATCHDOG_PID", "0")]), Some(None));
    }
}
