//! Callbacks on loopback ports of their own (RFC 8252 section 7.3), for clients that are registered with one and for
//! logins from the command line.
//!
//! Invariant: a port is held only while a login may come back to it.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::select_all;
use hyper::{Request, Response, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, Notify, mpsc},
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::info;
use url::Url;

use super::pages;
use crate::oauth::{Authorizer, LOGIN_LIFETIME, Office, Outcome};

const PATH: &str = "/callback";
/// How long a browser's connection is served: it asks for one page.
const CONNECTION: Duration = Duration::from_secs(60);
/// How many browsers are served at once; there is one, as a rule.
const MOST_BROWSERS: usize = 32;
/// The wait after the system gave no connection.
const BREATH: Duration = Duration::from_millis(100);
/// How long the last page may take to be sent.
const LAST_PAGE: Duration = Duration::from_secs(2);

/// A loopback port that is listened on.
pub struct Loopback {
    /// `localhost` may mean either family, so both are held.
    listeners: Vec<TcpListener>,
    port: u16,
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
        let mut url = Url::parse("http://localhost/").unwrap_or_else(|_| unreachable!("a constant URL"));
        // It fails only for URLs without a host.
        let _ = url.set_port(Some(self.port));
        url.set_path(PATH);
        url
    }

    /// Answers browsers until `stop`; each end of a login goes to `ends` too.
    pub async fn serve(self, office: Arc<Office>, ends: mpsc::Sender<Outcome>, stop: CancellationToken) {
        let mut browsers = JoinSet::new();
        while let Some(accepted) = stop.run_until_cancelled(self.accept()).await {
            match accepted {
                Ok(stream) => drop(browsers.spawn(answer(stream, office.clone(), ends.clone()))),
                Err(_) => sleep(BREATH).await,
            }
            while browsers.try_join_next().is_some() {}
            if browsers.len() >= MOST_BROWSERS {
                browsers.join_next().await;
            }
        }
        // The port is free again while the last pages are still being sent.
        drop(self.listeners);
        let _ = timeout(LAST_PAGE, async { while browsers.join_next().await.is_some() {} }).await;
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        let accepts = self.listeners.iter().map(|listener| Box::pin(listener.accept()));
        select_all(accepts).await.0.map(|(stream, _)| stream)
    }
}

async fn answer(stream: TcpStream, office: Arc<Office>, ends: mpsc::Sender<Outcome>) {
    let service = service_fn(|request: Request<Incoming>| {
        let (office, ends) = (office.clone(), ends.clone());
        async move { Ok::<_, Infallible>(respond(&request, &office, &ends).await) }
    });
    let mut server = http1::Builder::new();
    let server = server.timer(TokioTimer::new()).keep_alive(false);
    // A browser that breaks off has nobody to tell.
    let _ = timeout(CONNECTION, server.serve_connection(TokioIo::new(stream), service)).await;
}

async fn respond(
    request: &Request<Incoming>,
    office: &Office,
    ends: &mpsc::Sender<Outcome>,
) -> Response<String> {
    let mut response = Response::new(String::new());
    if request.uri().path() != PATH || request.method() != hyper::Method::GET {
        *response.status_mut() = hyper::StatusCode::NOT_FOUND;
        return response;
    }
    let cookies =
        request.headers().get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let cookies = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let outcome = office.logins().finish(request.uri().query().unwrap_or_default(), cookies).await;
    let (status, page) = pages::outcome(&outcome);
    *response.status_mut() = hyper::StatusCode::from_u16(status.as_u16()).unwrap_or_default();
    for (name, value) in pages::HEADERS {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    *response.body_mut() = page;
    // A stray request ends nothing. Whoever waits may have left.
    if !matches!(outcome, Outcome::Unknown(_)) {
        let _ = ends.try_send(outcome);
    }
    response
}

/// The loopback ports that a gateway holds, each with when it closes at the latest.
pub(super) struct Loopbacks {
    office: Arc<Office>,
    open: Arc<Open>,
}

#[derive(Default)]
struct Open {
    ports: Mutex<HashMap<u16, Instant>>,
    /// Logins that are being started: their ports stay open though no login can come back yet.
    starting: AtomicUsize,
    changed: Notify,
}

/// Where a login comes back to, held while it is being started.
pub(super) struct Redirect {
    pub(super) url: Url,
    open: Arc<Open>,
}

impl Drop for Redirect {
    fn drop(&mut self) {
        self.open.starting.fetch_sub(1, Ordering::AcqRel);
        self.open.changed.notify_waiters();
    }
}

impl Loopbacks {
    pub(super) fn new(office: Arc<Office>) -> Self {
        Self { office, open: Arc::default() }
    }

    /// Where a login of this server comes back to; listens there.
    ///
    /// # Errors
    ///
    /// The configured port cannot be listened on.
    pub(super) async fn redirect(&self, authorizer: &Authorizer) -> Result<Redirect, String> {
        self.open.starting.fetch_add(1, Ordering::AcqRel);
        let mut redirect = Redirect { url: self.office.callback(), open: self.open.clone() };
        redirect.url = self.listen(authorizer).await?;
        Ok(redirect)
    }

    async fn listen(&self, authorizer: &Authorizer) -> Result<Url, String> {
        let Some(port) = authorizer.callback_port() else { return Ok(self.office.callback()) };
        let mut open = self.open.ports.lock().await;
        let until = Instant::now() + LOGIN_LIFETIME;
        if let Some(latest) = open.get_mut(&port) {
            *latest = until;
            let own = format!("http://localhost:{port}{PATH}");
            return Url::parse(&own).map_err(|error| error.to_string());
        }
        match Loopback::bind(port).await {
            Ok(loopback) => {
                let redirect_uri = loopback.redirect_uri();
                open.insert(port, until);
                self.office.spawn(hold(loopback, port, self.office.clone(), self.open.clone()));
                Ok(redirect_uri)
            }
            Err(error) if authorizer.registers_itself() => {
                info!(
                    "callback port {port}: {error}; the login comes back to {} instead",
                    self.office.callback()
                );
                Ok(self.office.callback())
            }
            Err(error) => Err(format!(
                "callback port {port}: {error}; free it, or choose another callback_port in the config"
            )),
        }
    }
}

/// Serves a port until no login can come back to it any more.
async fn hold(loopback: Loopback, port: u16, office: Arc<Office>, open: Arc<Open>) {
    let (ends, mut ended) = mpsc::channel(8);
    let stop = office.stopped().child_token();
    let serve = loopback.serve(office.clone(), ends, stop.clone());
    let watch = async {
        loop {
            let latest = open.ports.lock().await.get(&port).copied().unwrap_or_else(Instant::now);
            tokio::select! {
                _ = ended.recv() => {}
                () = open.changed.notified() => {}
                () = sleep_until(latest) => {}
            }
            let mut ports = open.ports.lock().await;
            let over = ports.get(&port).is_none_or(|latest| *latest <= Instant::now());
            let idle = open.starting.load(Ordering::Acquire) == 0 && !office.logins().any();
            if over || idle {
                ports.remove(&port);
                stop.cancel();
                return;
            }
        }
    };
    tokio::select! {
        () = async { tokio::join!(serve, watch); } => {}
        () = async { office.stopped().cancelled().await; sleep(LAST_PAGE).await; } => {}
    }
}
