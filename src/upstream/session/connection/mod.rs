//! One connection from its handshake to its end.

pub(crate) mod connector;
mod handshake;
mod heartbeat;
mod rmcp_bridge;
pub(super) mod tool_call;
pub(super) mod tool_list;

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use http::{HeaderName, HeaderValue};
use rmcp::{
    RoleClient,
    model::{ProtocolVersion, SubscriptionFilter},
    service::{ClientServiceExt, RunningService, Subscription},
};
use tokio::{
    sync::{Mutex, Notify},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use self::{
    handshake::{Handshake, explain},
    rmcp_bridge::{RmcpHandler, RmcpTransport},
};
use crate::upstream::{
    protocol::{
        error::{ConnectError, WireError},
        forwarded::Forwarded,
        json_rpc::reply::{FIRST_ID, RawReply},
        listing::ServerInfo,
        request::{Framing, Params, Trust},
        tool::Tool,
    },
    transport::{OpenTransport, inbound::Inbound, param_headers::ParamHeaders},
};

/// How long rmcp may take to end its loop.
const GOODBYE: Duration = Duration::from_secs(2);
/// The wait before a lost subscription is opened anew.
const RESUBSCRIBE: Duration = Duration::from_secs(5);

/// An open connection, as its session owns it.
pub(crate) struct Connection {
    pub(super) handle: Arc<ConnectionHandle>,
    pub(super) info: ServerInfo,
    /// Told by servers with a session.
    changed: Arc<Notify>,
    /// Told by stateless servers, once asked to; nothing where they do not offer it.
    subscription: Option<Mutex<Option<Subscription>>>,
    service: RunningService<RoleClient, RmcpHandler>,
}

/// The part of a connection that calls share.
pub(super) struct ConnectionHandle {
    transport: Arc<OpenTransport>,
    pub(super) inbound: Arc<Inbound>,
    framing: Framing,
    next_id: AtomicU64,
    /// How many requests wait for their answers.
    pub(super) in_flight: AtomicUsize,
    /// Told when none waits any more.
    idle: Notify,
    /// Since when it is there for calls.
    service: OnceLock<Service>,
    tools: ToolHeaders,
}

/// A connection that is there for calls.
struct Service {
    since: Instant,
    /// For how long it is not doubted: it may have taken the place of one that was.
    fresh: Duration,
}

/// By tool, which arguments travel in headers; only tools that ask for any. Connections to one server share it.
pub(super) type ToolHeaders = Arc<ArcSwap<HashMap<String, ParamHeaders>>>;

impl Connection {
    /// Completes the handshake over the wire that `open` gives. Takes as long as the server does: the caller bounds
    /// it.
    async fn shake_hands<F>(
        server: &str,
        max_message: usize,
        tools: ToolHeaders,
        open: impl FnOnce(Arc<Inbound>) -> F,
        handshake: Handshake,
    ) -> Result<Self, ConnectError>
    where
        F: Future<Output = Result<OpenTransport, ConnectError>>,
    {
        let (inbound, messages) = Inbound::new(server, max_message);
        let inbound = Arc::new(inbound);
        let transport = Arc::new(open(inbound.clone()).await?);
        let changed = Arc::new(Notify::new());
        let handler = RmcpHandler { tools_changed: changed.clone(), version: handshake.version() };
        let bridge = RmcpTransport { transport: transport.clone(), inbound: inbound.clone(), messages };
        let service = match handler.serve_with_lifecycle(bridge, handshake.lifecycle()).await {
            Ok(service) => service,
            Err(error) => {
                let error = explain(error, &inbound);
                transport.close().await;
                return Err(error);
            }
        };
        let peer = service.peer().peer_info();
        let version =
            peer.as_ref().map_or_else(ProtocolVersion::default, |peer| peer.protocol_version.clone());
        let info = ServerInfo::new(server, peer.as_deref());
        let framing = Framing::new(version);
        let handle = ConnectionHandle {
            transport,
            inbound,
            framing,
            next_id: AtomicU64::new(FIRST_ID),
            in_flight: AtomicUsize::new(0),
            idle: Notify::new(),
            service: OnceLock::new(),
            tools,
        };
        let offer = peer.as_ref().and_then(|peer| peer.capabilities.tools.as_ref());
        let tells = handle.framing.stateless() && offer.and_then(|tools| tools.list_changed) == Some(true);
        let subscription = tells.then(Mutex::default);
        Ok(Self { handle: Arc::new(handle), info, changed, subscription, service })
    }

    /// Resolves when the server says that its tools have changed.
    pub(super) async fn tools_changed(&self) {
        match &self.subscription {
            None => self.changed.notified().await,
            Some(subscription) => self.subscribed_change(&mut *subscription.lock().await).await,
        }
    }

    /// Keeps a subscription open (MCP 2026-07-28, `subscriptions/listen`) until it brings a change. One that was
    /// lost may have missed one.
    async fn subscribed_change(&self, subscription: &mut Option<Subscription>) {
        let mut lost = false;
        loop {
            let open = match subscription {
                Some(open) => open,
                None => {
                    let filter = SubscriptionFilter::builder().tools_list_changed().build();
                    match self.service.peer().listen(filter).await {
                        Ok(open) => subscription.insert(open),
                        Err(_) => {
                            sleep(RESUBSCRIBE).await;
                            continue;
                        }
                    }
                }
            };
            if lost || matches!(open.next().await, Ok(Some(_))) {
                return;
            }
            lost = true;
            *subscription = None;
            sleep(RESUBSCRIBE).await;
        }
    }

    /// Resolves with the reason once the connection has ended by itself.
    pub(super) async fn ended(&self) -> String {
        self.handle.inbound.closed().await;
        self.handle.inbound.reason()
    }

    /// Ends the connection once its calls have ended, after `patience`, or on `stop`.
    pub(super) async fn retire(self, patience: Duration, stop: &CancellationToken) {
        let idle = async {
            while self.handle.in_flight.load(Ordering::Relaxed) > 0 {
                self.handle.idle.notified().await;
            }
        };
        let _ = stop.run_until_cancelled(timeout(patience, idle)).await;
        self.close().await;
    }

    /// Ends the connection.
    pub(super) async fn close(mut self) {
        let _ = timeout(GOODBYE, self.service.close()).await;
        self.handle.transport.close().await;
    }
}

impl ConnectionHandle {
    /// Whether the server is of the stateless generation (2026-07-28 on).
    pub(super) fn stateless(&self) -> bool {
        self.framing.stateless()
    }

    /// Whether each request is on its own: there is no session to lose, and no connection to watch.
    pub(super) fn unconnected(&self) -> bool {
        self.stateless() && matches!(*self.transport, OpenTransport::Http(_))
    }

    /// Opens the connection to calls. From now on a refusal may mean that its session is lost.
    pub(super) fn enter_service(&self, fresh: Duration) {
        let _ = self.service.set(Service { since: Instant::now(), fresh });
    }

    /// What a refusal of the next request is taken for.
    pub(super) fn trust(&self) -> Trust {
        match self.service.get() {
            _ if self.unconnected() => Trust::Believe,
            Some(service) if service.since.elapsed() >= service.fresh => Trust::Doubt,
            _ => Trust::Believe,
        }
    }

    /// Sends a request and waits for its answer. Dropping the future tells the upstream to stop.
    pub(super) async fn request(
        &self,
        method: &'static str,
        mut params: Params<'_>,
        trust: Trust,
    ) -> Result<RawReply, WireError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut headers = self.param_headers(&params);
        if self.transport.has_headers() {
            headers.extend(params.meta.forwarded.take().into_iter().flat_map(Forwarded::headers));
        }
        let mut request = self
            .framing
            .request(id, method, params, trust)
            .map_err(|error| WireError::NotSent(format!("the request cannot be written: {error}")))?;
        request.headers = headers;
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut pending = CancelOnDrop { handle: self, id, armed: true };
        let reply = self.transport.request(request, &self.framing).await;
        pending.armed = false;
        if reply.as_ref().is_err_and(WireError::says_unreachable) {
            self.inbound.suspect();
        }
        reply
    }

    /// Reads which arguments travel in headers. Tools that ask for it in a way that cannot be followed are taken
    /// out of the list, as the specification demands.
    pub(super) fn read_param_headers(&self, server: &str, tools: &mut Vec<Tool>) {
        if !self.framing.stateless() {
            return;
        }
        let mut all = HashMap::new();
        tools.retain(|tool| match ParamHeaders::read(&tool.input_schema) {
            Ok(headers) => {
                if !headers.is_empty() {
                    all.insert(tool.name.clone(), headers);
                }
                true
            }
            Err(reason) => {
                warn!(server, tool = tool.name, reason, "left out a tool");
                false
            }
        });
        self.tools.store(Arc::new(all));
    }

    fn param_headers(&self, params: &Params<'_>) -> Vec<(HeaderName, HeaderValue)> {
        let (true, Some(tool), Some(arguments)) = (self.stateless(), params.name, params.arguments) else {
            return vec![];
        };
        self.tools.load().get(tool).map(|headers| headers.of(arguments)).unwrap_or_default()
    }
}

struct CancelOnDrop<'a> {
    handle: &'a ConnectionHandle,
    id: u64,
    armed: bool,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if self.handle.in_flight.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.handle.idle.notify_one();
        }
        if self.armed {
            self.handle.transport.cancel(self.id, &self.handle.framing);
        }
    }
}
