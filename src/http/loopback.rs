//! Callbacks on loopback ports of their own (RFC 8252 section 7.3), for clients that are registered with one and for
//! logins from the command line.
//!
//! Invariant: a port is held only while a login may come back to it.

use std::{
    collections::HashSet,
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures_util::future::select_all;
use hyper::{Request, Response, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, OwnedMutexGuard},
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::info;
use url::Url;

use super::pages;
use crate::{
    oauth::{self, Authorizer, Context, Outcome, Starting},
    registry::Registry,
};

const PATH: &str = "/callback";
/// How long a browser's connection is served: it asks for one page.
const CONNECTION: Duration = Duration::from_secs(60);
/// How many browsers are served at once; there is one, as a rule.
const MOST_BROWSERS: usize = 32;
/// The wait after the system gave no connection.
const BREATH: Duration = Duration::from_millis(100);
/// How long the last page may take to be sent when mcpo is about to end.
pub(crate) const LAST_PAGE: Duration = Duration::from_secs(2);

/// A loopback port that is listened on.
pub struct Loopback {
    /// `localhost` may mean either family, so both are held.
    listeners: Vec<TcpListener>,
    port: u16,
}

/// What a browser comes back with.
pub struct Return {
    /// The query of the redirect URI.
    pub query: String,
    cookies: Vec<String>,
}

impl Return {
    fn read(request: &Request<Incoming>) -> Self {
        let cookies = request.headers().get_all(header::COOKIE).into_iter();
        Self {
            query: request.uri().query().unwrap_or_default().to_owned(),
            cookies: cookies.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect(),
        }
    }

    /// The browser's cookies as (name, value).
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.cookies.iter().flat_map(|value| value.split(';'));
        pairs.filter_map(|pair| pair.trim().split_once('='))
    }
}

impl Loopback {
    /// Binds `port`; 0 takes a free one.
    ///
    /// # Errors
    ///
    /// The port is in use, or may not be used.
    pub async fn bind(port: u16) -> io::Result<Self> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = first.local_addr()?.port();
        let mut listeners = vec![first];
        match TcpListener::bind((IpAddr::V6(Ipv6Addr::LOCALHOST), port)).await {
            Ok(second) => listeners.push(second),
            // Another program there would get the code.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => {}
        }
        Ok(Self { listeners, port })
    }

    /// Where a login comes back to.
    pub fn redirect_uri(&self) -> Url {
        redirect_uri(self.port)
    }

    /// Answers browsers with what `complete` makes of their returns, until `over` resolves. What it resolves to is
    /// dropped once the port is free; browsers that are being answered then have `grace` left.
    pub async fn serve<F, R, T>(self, complete: F, over: impl Future<Output = T>, grace: Duration)
    where
        F: Fn(Return) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Outcome> + Send + 'static,
    {
        let mut over = pin!(over);
        let mut browsers = JoinSet::new();
        let held = loop {
            tokio::select! {
                held = &mut over => break held,
                accepted = self.accept(), if browsers.len() < MOST_BROWSERS => match accepted {
                    Ok(stream) => drop(browsers.spawn(answer(stream, complete.clone()))),
                    Err(_) => sleep(BREATH).await,
                },
                Some(_) = browsers.join_next() => {}
            }
        };
        drop(self.listeners);
        drop(held);
        let _ = timeout(grace, async { while browsers.join_next().await.is_some() {} }).await;
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        let accepts = self.listeners.iter().map(|listener| Box::pin(listener.accept()));
        select_all(accepts).await.0.map(|(stream, _)| stream)
    }
}

fn redirect_uri(port: u16) -> Url {
    let mut url = Url::parse("http://localhost/").unwrap_or_else(|_| unreachable!("a constant URL"));
    // It fails only for URLs without a host.
    let _ = url.set_port(Some(port));
    url.set_path(PATH);
    url
}

async fn answer<R>(stream: TcpStream, complete: impl Fn(Return) -> R)
where
    R: Future<Output = Outcome>,
{
    let service = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(respond(&request, &complete).await)
    });
    let mut server = http1::Builder::new();
    let server = server.timer(TokioTimer::new()).keep_alive(false);
    // A browser that breaks off needs no answer.
    let _ = timeout(CONNECTION, server.serve_connection(TokioIo::new(stream), service)).await;
}

async fn respond<R>(request: &Request<Incoming>, complete: impl Fn(Return) -> R) -> Response<String>
where
    R: Future<Output = Outcome>,
{
    let mut response = Response::new(String::new());
    if request.uri().path() != PATH || request.method() != hyper::Method::GET {
        *response.status_mut() = hyper::StatusCode::NOT_FOUND;
        return response;
    }
    let (status, page) = pages::outcome(&complete(Return::read(request)).await);
    *response.status_mut() = hyper::StatusCode::from_u16(status.as_u16()).unwrap_or_default();
    for (name, value) in pages::HEADERS {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    *response.body_mut() = page;
    response
}

/// The loopback ports that a gateway holds.
pub(super) struct Loopbacks {
    context: Arc<Context>,
    /// Finds the server of a login that returns, as it is then.
    registry: Arc<Registry>,
    ports: Arc<Mutex<Ports>>,
}

type Ports = HashSet<u16>;

/// Where a login comes back to, kept in use while the login is being started.
pub(super) struct HeldRedirect {
    pub(super) url: Url,
    _starting: Starting,
}

impl Loopbacks {
    pub(super) fn new(context: Arc<Context>, registry: Arc<Registry>) -> Self {
        Self { context, registry, ports: Arc::default() }
    }

    /// Where a login of this server comes back to; listens there.
    ///
    /// # Errors
    ///
    /// The configured port cannot be listened on.
    pub(super) async fn redirect(&self, authorizer: &Authorizer) -> Result<HeldRedirect, String> {
        let redirect = |url: Url| HeldRedirect { _starting: self.context.pending().start(&url), url };
        let Some(port) = authorizer.callback_port() else { return Ok(redirect(self.context.callback())) };
        // Ports close under this lock, so one that is found open stays open from here on.
        let mut ports = self.ports.lock().await;
        if !ports.contains(&port) {
            match Loopback::bind(port).await {
                Ok(loopback) => self.hold(loopback, &mut ports),
                Err(error) if authorizer.registers_itself() => {
                    let callback = self.context.callback();
                    info!("callback port {port}: {error}; the login comes back to {callback} instead");
                    return Ok(redirect(callback));
                }
                Err(error) => {
                    return Err(format!(
                        "callback port {port}: {error}; free it, or choose another callback_port in the config"
                    ));
                }
            }
        }
        Ok(redirect(redirect_uri(port)))
    }

    /// Serves a port in a task of its own, until no login can come back to it any more.
    fn hold(&self, loopback: Loopback, ports: &mut Ports) {
        ports.insert(loopback.port);
        let (context, ports, registry) = (self.context.clone(), self.ports.clone(), self.registry.clone());
        self.context.spawn(async move {
            let over = unused(&context, ports, loopback.port);
            let stopped = context.stopped();
            let over = async { stopped.run_until_cancelled(over).await };
            let end = async {
                stopped.cancelled().await;
                sleep(LAST_PAGE).await;
            };
            let pending = context.pending().clone();
            let complete = move |back: Return| {
                let (pending, registry) = (pending.clone(), registry.clone());
                async move {
                    let authorizer =
                        |server: &str| registry.snapshot().server(server)?.session().authorizer().cloned();
                    oauth::complete(&pending, &back.query, back.cookies(), authorizer).await
                }
            };
            tokio::select! {
                () = loopback.serve(complete, over, CONNECTION) => {}
                () = end => {}
            }
        });
    }
}

/// Resolves when no login can come back to `port`, with the lock under which the port has to be closed.
async fn unused(context: &Context, ports: Arc<Mutex<Ports>>, port: u16) -> OwnedMutexGuard<Ports> {
    let redirect_uri = redirect_uri(port);
    loop {
        // A port is held before its first login is on record; that is recorded under the lock.
        let mut ports = ports.clone().lock_owned().await;
        if context.pending().is_unused(&redirect_uri) {
            ports.remove(&port);
            return ports;
        }
        drop(ports);
        context.pending().unused(&redirect_uri).await;
    }
}
