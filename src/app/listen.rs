//! Listening: binds the port and serves it with actix, one service for each worker.
//!
//! Invariant: at most the configured number of connections is open; further ones wait to be accepted.

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    num::NonZeroU32,
    sync::Arc,
    thread::available_parallelism,
    time::Duration,
};

use actix_http::{HttpService, Protocol, Request, Response, body::MessageBody, error::DispatchError};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_tls::accept::{
    TlsError,
    rustls_0_23::{Acceptor, TlsStream},
};
use actix_web::{Error, HttpResponse, dev::AppConfig};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream},
};
use tracing::warn;

use super::{client_stream::ClientStream, connection_limit::ConnectionLimit, error::BuildError};
use crate::{
    config::{Config, Listen},
    http::{self, Front, Hosts, SLICE, Services},
};

/// How long an idle connection is kept, which is longer than common proxies keep theirs.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take for the TLS handshake, and for the head of its first request.
const SLOWEST: Duration = Duration::from_secs(10);
/// How many connections may wait to be accepted, enough that a burst does not force clients to retransmit.
const BACKLOG: u32 = 4096;
/// How much of an answer may wait in the kernel before it is sent, in bytes. What a client does not take then counts for
/// its deadline, instead of filling megabytes of buffers.
const UNSENT: u32 = 64 << 10;
/// The number of open files reserved for all but client connections: pipes to child processes, connections to servers,
/// stored tokens.
const OTHER_FILES: u64 = 1024;

/// Binds every address that the host resolves to.
///
/// `option` is the option that sets the port, for error messages.
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
    // `localhost` may resolve to an address family that the machine lacks, so one working address is enough.
    let forgiven = |error: &io::Error| error.kind() == io::ErrorKind::AddrNotAvailable && !good.is_empty();
    match bad.into_iter().filter_map(Result::err).find(|error| !forgiven(error)) {
        Some(error) => Err(failed(&error)),
        None => Ok(good.into_iter().flatten().collect()),
    }
}

/// Returns the front of a gateway that listens on these addresses, and warns if it is open to the network without
/// authentication.
pub(super) fn front(config: &Config, addresses: &[SocketAddr]) -> Front {
    let listen = &config.listen;
    let local = addresses.iter().all(|address| address.ip().is_loopback());
    let known = listen.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    if !local && !known && !config.access_rules.is_closed() {
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
    // A restarted gateway can bind the port at once.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit both. The last slice of an answer must not wait until the others are acknowledged.
    socket.set_nodelay(true)?;
    // Where the system lacks it, its buffers are as large as they are.
    let _ = SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT);
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Serves the gateway, and gives connections `patience` to finish on shutdown.
///
/// The parts of actix are assembled here, because its `HttpServer` has no place for a [`ConnectionLimit`] before the
/// TLS handshake, nor for a [`ClientStream`] after it.
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
    // The connection limit already bounds handshakes. With actix's own limit, a few hundred idle connections would
    // block a worker.
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
                let mut acceptor = Acceptor::new(tls.clone());
                acceptor.set_handshake_timeout(SLOWEST);
                let streams =
                    acceptor.map_err(TlsError::into_service_error).map(|stream: TlsStream<TcpStream>| {
                        let peer = stream.get_ref().0.peer_addr();
                        accepted(stream, peer)
                    });
                let service = service(app(), ending.clone()).map_err(TlsError::Service);
                limit.clone().before(streams.and_then(service))
            }),
            None => {
                server.listen("http", listener, move || limit.clone().before(plain(app(), ending.clone())))
            }
        }
        .map_err(|error| BuildError::Bind { address: listen.host.clone(), reason: error.to_string() })?;
    }
    Ok(server.run())
}

/// Builds the service of one worker for connections without TLS.
pub(super) fn plain<I, S, B>(
    app: I,
    ending: GracefulShutdownSignal,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    I: IntoServiceFactory<S, Request> + 'static,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let streams = fn_service(async |stream: TcpStream| {
        let peer = stream.peer_addr();
        Ok::<_, DispatchError>(accepted(stream, peer))
    });
    streams.and_then(service(app, ending))
}

/// Returns what the HTTP service takes: the stream, its protocol and the client's address.
fn accepted<T: AsyncRead + AsyncWrite + Unpin>(
    stream: T,
    peer: io::Result<SocketAddr>,
) -> (ClientStream<T>, Protocol, Option<SocketAddr>) {
    (ClientStream::new(stream), Protocol::Http1, peer.ok())
}

/// Builds the HTTP service of one worker.
fn service<T, I, S, B>(
    app: I,
    ending: GracefulShutdownSignal,
) -> HttpService<
    ClientStream<T>,
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
    T: AsyncRead + AsyncWrite + Unpin + 'static,
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
        // If a client hangs up, its handler is dropped, which cancels the call upstream.
        .h1_allow_half_closed(false)
        .h1_write_buffer_size(SLICE)
        .on_connect_ext(|stream: &ClientStream<T>, data| drop(data.insert(stream.connection())))
        // Idle connections do not delay the shutdown.
        .graceful_shutdown_signal(move || {
            let ending = ending.clone();
            async move { ending.notified().await }
        })
        .finish(map_config(app, |()| AppConfig::default()))
}

/// Raises the limit of open files as needed for `connections`, and returns how many connections it allows.
///
/// Child processes inherit the limit, so it is raised no further than needed. Programs that use `select` cannot handle
/// file descriptors above 1024, and some programs close every descriptor up to the limit.
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

/// Returns the gateway's URL as seen from its own machine.
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
