//! The part of a connection that calls share: how a request is sent over it.
//!
//! Invariant: a request whose future is dropped is withdrawn or cancelled.

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
use tokio::{sync::Notify, time::Instant};
use tracing::warn;

use crate::upstream::{
    protocol::{
        error::TransportError,
        forwarded::Forwarded,
        json_rpc::reply::{FIRST_ID, RawReply},
        request::{Framing, Params, Trust},
        tool::ToolDefinition,
    },
    transport::{OpenTransport, inbound::Inbound, param_headers::ParamHeaders},
};

/// The part of a connection that calls share.
pub(crate) struct ConnectionHandle {
    transport: Arc<OpenTransport>,
    pub(crate) inbound: Arc<Inbound>,
    framing: Framing,
    next_id: AtomicU64,
    /// How many requests wait for their answers.
    pub(super) in_flight: AtomicUsize,
    /// Notified when none waits any more.
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

/// Set in the count of requests once no more are taken.
const RETIRED: usize = 1 << (usize::BITS - 1);

/// By tool, which arguments travel in headers; only tools that ask for any. Connections to one server share it.
pub(crate) type ToolHeaders = Arc<ArcSwap<HashMap<String, ParamHeaders>>>;

impl ConnectionHandle {
    pub(super) fn new(
        transport: Arc<OpenTransport>,
        inbound: Arc<Inbound>,
        framing: Framing,
        tools: ToolHeaders,
    ) -> Self {
        Self {
            transport,
            inbound,
            framing,
            next_id: AtomicU64::new(FIRST_ID),
            in_flight: AtomicUsize::new(0),
            idle: Notify::new(),
            service: OnceLock::new(),
            tools,
        }
    }

    /// Whether the server is of the stateless generation (2026-07-28 on).
    pub(super) fn stateless(&self) -> bool {
        self.framing.stateless()
    }

    /// Whether each request is on its own: there is no session to lose, and no connection to watch.
    pub(super) fn unconnected(&self) -> bool {
        self.stateless() && matches!(*self.transport, OpenTransport::Http(_))
    }

    /// Opens the connection to calls. From now on a refusal may mean that its session is lost.
    pub(crate) fn enter_service(&self, fresh: Duration) {
        let _ = self.service.set(Service { since: Instant::now(), fresh });
    }

    /// What a refusal of the next request is taken for.
    pub(crate) fn trust(&self) -> Trust {
        match self.service.get() {
            _ if self.unconnected() => Trust::Believe,
            Some(service) if service.since.elapsed() >= service.fresh => Trust::Doubt,
            _ => Trust::Believe,
        }
    }

    /// Sends a request and waits for its answer. Dropping the future cancels the request.
    pub(super) async fn request(
        &self,
        method: &'static str,
        mut params: Params<'_>,
        trust: Trust,
    ) -> Result<RawReply, TransportError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut headers = self.param_headers(&params);
        if self.transport.has_headers() {
            headers.extend(params.meta.forwarded.take().into_iter().flat_map(Forwarded::headers));
        }
        let mut request = self
            .framing
            .request(id, method, params, trust)
            .map_err(|error| TransportError::NotSent(format!("the request cannot be written: {error}")))?;
        request.headers = headers;
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= RETIRED {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return Err(TransportError::NotSent(self.inbound.reason()));
        }
        let mut pending = CancelOnDrop { handle: self, id, armed: true };
        let reply = self.transport.request(request, &self.framing).await;
        pending.armed = false;
        if reply.as_ref().is_err_and(TransportError::says_unreachable) {
            self.inbound.suspect();
        }
        reply
    }

    /// Resolves when no request waits for its answer.
    pub(super) async fn idle(&self) {
        while self.in_flight.load(Ordering::Relaxed) > 0 {
            self.idle.notified().await;
        }
    }

    /// Takes no further request, if none waits for its answer now. Returns whether none does.
    pub(crate) fn retire_now(&self) -> bool {
        let retired =
            self.in_flight.compare_exchange(0, RETIRED, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if retired {
            // Callers see at once that there is another to wait for.
            self.inbound.close("its program is being started anew");
        }
        retired
    }

    /// Ends the transport.
    pub(super) async fn close(&self) {
        self.transport.close().await;
    }

    /// Reads which arguments travel in headers. Tools that ask for it in a way that cannot be followed are taken
    /// out of the list, as the specification demands.
    pub(super) fn read_param_headers(&self, server: &str, tools: &mut Vec<ToolDefinition>) {
        if !self.framing.stateless() {
            return;
        }
        let mut all = HashMap::new();
        // A schema that is too large to be parsed asks for nothing.
        let read = |tool: &ToolDefinition| ParamHeaders::read(&tool.input_schema.parse().unwrap_or_default());
        tools.retain(|tool| match read(tool) {
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
