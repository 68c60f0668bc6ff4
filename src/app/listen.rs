//! Listening: the port is bound, and served by actix, one service for each worker.
//!
//! Invariant: so many connections are open as are configured, and no more; further ones wait to be accepted.

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    num::NonZeroU32,
    sync::Arc,
    thread::available_parallelism,
    time::Duration,
};

use actix_http::{HttpService, Request, Response, TlsAcceptorConfig, body::MessageBody};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, map_config};
use actix_web::{Error, HttpResponse, dev::AppConfig};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpSocket;
use tracing::warn;

use super::{connection_limit::ConnectionLimit, error::BuildError};
use crate::{
    config::{Config, Listen},
    http::{self, Front, Hosts, Services},
};

/// How long an idle client's connection is kept: longer than common proxies keep theirs.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take for the handshake of TLS, and how long for the head of its first request.
const SLOWEST: Duration = Duration::from_secs(10);
/// How many connections may wait to be accepted: a crowd that comes at once makes others wait for no retransmission.
const BACKLOG: u32 = 4096;
/// Open files beside the connections of clients: pipes to children, connections to servers, stored tokens.
const OTHER_FILES: u64 = 1024;

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
    let bound: Vec<io::Result<TcpListener>> = addresses.map(open).collect();
    let (good, bad): (Vec<_>, Vec<_>) = bound.into_iter().partition(Result::is_ok);
    // `localhost` may name an address family that the machine does not have: one that works is enough then.
    let forgiven = |error: &io::Error| error.kind() == io::ErrorKind::AddrNotAvailable && !good.is_empty();
    match bad.into_iter().filter_map(Result::err).find(|error| !forgiven(error)) {
        Some(error) => Err(failed(&error)),
        None => Ok(good.into_iter().flatten().collect()),
    }
}

/// What stands between callers and a gateway that listens on these addresses. Warns where nothing does.
pub(super) fn front(config: &Config, addresses: &[SocketAddr]) -> Front {
    let listen = &config.listen;
    let local = addresses.iter().all(|address| address.ip().is_loopback());
    let known = listen.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    if !local && !known && !config.guard.is_closed() {
        warn!(
            "there is no API key, so whoever can reach port {} may call every tool; set --api-key, or --host 127.0.0.1",
            addresses.first().map_or(listen.port, SocketAddr::port)
        );
    }
    let hosts = if local { Hosts::local(config.logins.public_url.as_ref()) } else { Hosts::Any };
    Front { proxies: listen.proxies.clone(), hosts, tls: listen.tls.is_some() }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // The port is free again as soon as a former gateway has ended.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Serves the gateway; once told to stop, connections have the time of `patience`.
///
/// The parts of actix are put together here rather than by its `HttpServer`, which has no place for a [`ConnectionLimit`] before
/// the handshake of TLS.
pub(super) fn serve(
    listen: &Listen,
    listeners: Vec<TcpListener>,
    tls: Option<&rustls::ServerConfig>,
    services: &Services,
    patience: Duration,
) -> Result<Server, BuildError> {
    let places = make_room(listen.max_connections);
    let workers = available_parallelism().map_or(2, usize::from);
    let each = (places.get() as usize).div_ceil(workers);
    // The connection limit is the bound on handshakes: with actix's own a few hundred idle connections would stop a worker.
    actix_tls::accept::max_concurrent_tls_connect(each);
    let mut server = Server::build()
        .workers(workers)
        .max_concurrent_connections(each)
        .shutdown_timeout(patience.as_secs())
        .disable_signals();
    let limit = Arc::new(ConnectionLimit::new(places, services.front.proxies.clone()));
    for listener in listeners {
        let services = services.clone();
        let app = move || http::app(services.clone());
        let (limit, ending) = (limit.clone(), server.graceful_shutdown_signal());
        server = match tls.cloned() {
            Some(tls) => server.listen("https", listener, move || {
                let handshake = TlsAcceptorConfig::default().handshake_timeout(SLOWEST);
                let service = service(app(), ending.clone());
                limit.clone().before(service.rustls_0_23_with_config(tls.clone(), handshake))
            }),
            None => server
                .listen("http", listener, move || limit.clone().before(service(app(), ending.clone()).tcp())),
        }
        .map_err(|error| BuildError::Bind { address: listen.host.clone(), reason: error.to_string() })?;
    }
    Ok(server.run())
}

/// What speaks HTTP on the connections of one worker.
fn service<T, I, S, B>(
    app: I,
    ending: GracefulShutdownSignal,
) -> HttpService<
    T,
    impl ServiceFactory<
        Request,
        Config = (),
        Response = S::Response,
        Error = HttpResponse,
        InitError = S::InitError,
    >,
    B,
>
where
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let app = app.into_factory().map_err(|error| error.into().error_response());
    HttpService::build()
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(SLOWEST)
        // A client that hangs up drops its handler, which cancels the call upstream.
        .h1_allow_half_closed(false)
        // Idle connections do not hold up the end.
        .graceful_shutdown_signal(move || {
            let ending = ending.clone();
            async move { ending.notified().await }
        })
        .finish(map_config(app, |()| AppConfig::default()))
}

/// Has the system allow as many open files as so many connections need, and gives the number that it does allow.
///
/// Children inherit the limit, so it is raised no further than that: a program that works with `select` has no use for
/// files beyond 1024, and some close every number up to the limit.
fn make_room(connections: NonZeroU32) -> NonZeroU32 {
    let wanted = u64::from(connections.get()) + OTHER_FILES;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return connections };
    let allowed = wanted.min(hard);
    if soft >= wanted || setrlimit(Resource::RLIMIT_NOFILE, allowed, hard).is_ok() && allowed == wanted {
        return connections;
    }
    let files = allowed.max(soft);
    let room = u32::try_from(files.saturating_sub(OTHER_FILES).max(files / 2)).ok().and_then(NonZeroU32::new);
    let room = room.unwrap_or(NonZeroU32::MIN).min(connections);
    warn!(
        "at most {room} clients at once, not {connections}: the system allows mcpo {files} open files (ulimit -n)"
    );
    room
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
