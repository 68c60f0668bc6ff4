//! Listening: the port is bound, and served by actix, one service for each worker.

use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    time::Duration,
};

use actix_web::{HttpServer, dev::Server, web::Data};

use super::BuildError;
use crate::{
    config::Listen,
    http::{self, Gateway},
};

/// How long an idle client's connection is kept: longer than common proxies keep theirs.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Binds every address that the host stands for. `option` is what chooses the port.
pub(super) fn bind(listen: &Listen, option: &str) -> Result<Vec<TcpListener>, BuildError> {
    let failed = |error: &io::Error| BuildError::Bind {
        address: format!("{}:{}", listen.host, listen.port),
        reason: match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("the port is in use; stop what uses it or choose another with {option}")
            }
            io::ErrorKind::PermissionDenied => "permission denied; ports below 1024 need privileges".into(),
            io::ErrorKind::AddrNotAvailable => "this machine has no such address; check --host".into(),
            _ => error.to_string(),
        },
    };
    let addresses = (listen.host.as_str(), listen.port).to_socket_addrs().map_err(|error| failed(&error))?;
    let bound: Vec<io::Result<TcpListener>> = addresses.map(TcpListener::bind).collect();
    let (good, bad): (Vec<_>, Vec<_>) = bound.into_iter().partition(Result::is_ok);
    // `localhost` may name an address family that the machine does not have: one that works is enough then.
    let forgiven = |error: &io::Error| error.kind() == io::ErrorKind::AddrNotAvailable && !good.is_empty();
    match bad.into_iter().filter_map(Result::err).find(|error| !forgiven(error)) {
        Some(error) => Err(failed(&error)),
        None => Ok(good.into_iter().flatten().collect()),
    }
}

/// Serves `gateway`; once told to stop, connections have the time of `patience`.
pub(super) fn serve(
    listen: &Listen,
    listeners: Vec<TcpListener>,
    gateway: Data<Gateway>,
    patience: Duration,
) -> Result<Server, BuildError> {
    let mut server = HttpServer::new(move || http::app(gateway.clone()))
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(patience.as_secs())
        // A client that hangs up drops its handler, which cancels the call upstream.
        .h1_allow_half_closed(false)
        .disable_signals();
    for listener in listeners {
        server = match &listen.tls {
            Some(tls) => server.listen_rustls_0_23(listener, rustls::ServerConfig::clone(&tls.config)),
            None => server.listen(listener),
        }
        .map_err(|error| BuildError::Bind { address: listen.host.clone(), reason: error.to_string() })?;
    }
    Ok(server.run())
}

/// The gateway's URL as whoever started it would type it.
pub(super) fn base_url(listen: &Listen, addresses: &[SocketAddr], root: &str) -> String {
    let scheme = if listen.tls.is_some() { "https" } else { "http" };
    let port = addresses.first().map_or(listen.port, SocketAddr::port);
    let host = match addresses.first() {
        Some(address) if address.ip().is_unspecified() => "localhost".to_owned(),
        Some(SocketAddr::V6(address)) => format!("[{}]", address.ip()),
        Some(address) => address.ip().to_string(),
        None => listen.host.clone(),
    };
    format!("{scheme}://{host}:{port}{root}")
}
