//! Notifies systemd, or another service manager that supports sd_notify(3), of mcpo's state.

use std::{convert::Infallible, future::pending, io, os::unix::net::UnixDatagram, time::Duration};

use nix::time::{ClockId, clock_gettime};
use tokio::time::sleep;
use tracing::warn;

use crate::config::ServiceManager;

/// A state that the service manager is notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The port is open.
    Ready,
    /// The configuration is being read again; [`State::Ready`] ends it.
    Reloading,
    /// The shutdown has begun.
    Stopping,
    /// mcpo is still alive.
    Watchdog,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ready => "READY=1",
            Self::Reloading => "RELOADING=1",
            Self::Stopping => "STOPPING=1",
            Self::Watchdog => "WATCHDOG=1",
        }
    }

    /// Returns the message for this state.
    ///
    /// For a reload it holds the time, by which the manager recognizes the reload that it requested
    /// (`Type=notify-reload`).
    fn message(self) -> io::Result<String> {
        let name = self.name();
        match self {
            Self::Reloading => {
                let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
                Ok(format!("{name}\nMONOTONIC_USEC={}", now.as_micros()))
            }
            Self::Ready | Self::Stopping | Self::Watchdog => Ok(name.to_owned()),
        }
    }
}

/// Notifies the service manager, if there is one.
#[derive(Clone)]
pub struct Notifier(Option<ServiceManager>);

impl Notifier {
    /// Creates a notifier for `manager`; with `None`, it does nothing.
    pub fn new(manager: Option<ServiceManager>) -> Self {
        Self(manager)
    }

    /// Notifies the manager of `state`, and only logs a failure, which is no reason to stop.
    pub fn tell(&self, state: State) {
        if let Some(manager) = &self.0
            && let Err(error) = send(manager, state)
        {
            warn!(%error, "cannot tell the service manager {}", state.name());
        }
    }

    /// Notifies the watchdog twice in each of its periods, as long as this future is polled.
    pub async fn keep_alive(&self) -> Infallible {
        let Some(period) = self.0.as_ref().and_then(|manager| manager.watchdog) else {
            return pending().await;
        };
        loop {
            self.tell(State::Watchdog);
            sleep(period / 2).await;
        }
    }
}

fn send(manager: &ServiceManager, state: State) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // A manager that does not read must not block the gateway.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(state.message()?.as_bytes(), &manager.address)?;
    Ok(())
}
