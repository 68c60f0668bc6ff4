//! `/metrics` on a separate port (`--metrics-port`), for monitoring that must not call tools.
//!
//! Its server is a task of the application and ends with the sessions, so that the shutdown can be monitored too.

use std::net::{SocketAddr, TcpListener};

use actix_server::Server;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{
    error::BuildError,
    listen::{base_url, bind, plain},
};
use crate::{
    config::Listen,
    http::{self, Services},
};

/// The most connections to the port, so that other clients cannot use up the files that calls need.
const MOST: usize = 64;

/// The metrics port, bound but not yet served.
pub(super) struct MetricsPort {
    listen: Listen,
    listeners: Vec<TcpListener>,
}

impl MetricsPort {
    /// Binds `port` on the host of the main port, `beside`, without TLS.
    pub(super) fn bind(beside: &Listen, port: u16) -> Result<Self, BuildError> {
        let listen = Listen { port, tls: None, ..beside.clone() };
        let listeners = bind(&listen, "--metrics-port")?;
        Ok(Self { listen, listeners })
    }

    /// Returns its server, for [`run`].
    pub(super) fn serve(self, services: &Services) -> Result<Server, BuildError> {
        let addresses: Vec<SocketAddr> =
            self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        // Metrics are scraped every few seconds, so one worker is enough.
        let mut server = Server::build().workers(1).max_concurrent_connections(MOST).disable_signals();
        for listener in self.listeners {
            let (services, ending) = (services.clone(), server.graceful_shutdown_signal());
            let service = move || plain(http::metrics_app(services.clone()), ending.clone());
            server = server.listen("metrics", listener, service).map_err(|error| BuildError::Bind {
                address: self.listen.host.clone(),
                reason: error.to_string(),
            })?;
        }
        info!("metrics at {}/metrics", base_url(&self.listen, &addresses, ""));
        Ok(server.run())
    }
}

/// Runs the server until `stop` is cancelled, and polls it while it stops, because it makes no progress otherwise.
pub(super) async fn run(mut server: Server, stop: CancellationToken) {
    let handle = server.handle();
    let ended = tokio::select! {
        ended = &mut server => ended,
        () = stop.cancelled() => tokio::join!(handle.stop(false), server).1,
    };
    if let Err(error) = ended {
        error!(%error, "the server of the metrics port broke down");
    }
}
