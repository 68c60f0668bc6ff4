//! One connection from its handshake to its end.

pub(crate) mod connector;
pub(super) mod handle;
mod handshake;
mod heartbeat;
mod rmcp_bridge;
pub(super) mod tool_call;
pub(super) mod tool_list;

use std::{sync::Arc, time::Duration};

use rmcp::{
    RoleClient,
    model::{ProtocolVersion, SubscriptionFilter},
    service::{ClientServiceExt, RunningService, Subscription},
};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{
    handle::{ConnectionHandle, ToolHeaders},
    handshake::{Handshake, explain},
    rmcp_bridge::{RmcpHandler, RmcpTransport},
};
use crate::upstream::{
    protocol::{error::ConnectError, json_rpc::frame::Frame, listing::ServerInfo, request::Framing},
    transport::{
        OpenTransport,
        inbound::{Inbound, Outlets},
    },
};

/// How long a server may take for one answer to a request of its own.
const ANSWER: Duration = Duration::from_secs(10);
/// How long rmcp may take to end its loop.
const GOODBYE: Duration = Duration::from_secs(2);
/// The wait before a lost subscription is opened anew.
const RESUBSCRIBE: Duration = Duration::from_secs(5);

/// A subscription to changes of the tools.
#[derive(Default)]
struct Subscribed {
    open: Option<Subscription>,
    /// Whether one was lost since the last change that was told. It may have missed one.
    lost: bool,
}

/// An open connection, as its session owns it.
pub(crate) struct Connection {
    pub(super) handle: Arc<ConnectionHandle>,
    pub(super) info: ServerInfo,
    /// The subscription to changes of a stateless server; `None` if it offers none.
    subscription: Option<Mutex<Subscribed>>,
    service: RunningService<RoleClient, RmcpHandler>,
    /// Sends the answers to the server's own requests.
    _answering: JoinSet<()>,
}

impl Connection {
    /// Completes the handshake over the transport that `open` gives. Takes as long as the server does: the caller bounds
    /// it.
    async fn shake_hands<F>(
        server: &str,
        (inbound, outlets): (Inbound, Outlets),
        tools: ToolHeaders,
        open: impl FnOnce(Arc<Inbound>) -> F,
        handshake: Handshake,
    ) -> Result<Self, ConnectError>
    where
        F: Future<Output = Result<OpenTransport, ConnectError>>,
    {
        let Outlets { messages, answers } = outlets;
        let inbound = Arc::new(inbound);
        let transport = Arc::new(open(inbound.clone()).await?);
        let mut answering = JoinSet::new();
        answering.spawn(answer(transport.clone(), inbound.clone(), answers));
        let handler = RmcpHandler { version: handshake.version() };
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
        let handle = ConnectionHandle::new(transport, inbound, framing, tools);
        let offer = peer.as_ref().and_then(|peer| peer.capabilities.tools.as_ref());
        let tells = handle.stateless() && offer.and_then(|tools| tools.list_changed) == Some(true);
        let subscription = tells.then(Mutex::default);
        Ok(Self { handle: Arc::new(handle), info, subscription, service, _answering: answering })
    }

    /// Resolves when the server says that its tools have changed. May be dropped and called again.
    pub(super) async fn tools_changed(&self) {
        match &self.subscription {
            None => self.handle.inbound.tools_changed().await,
            Some(subscription) => self.subscribed_change(&mut *subscription.lock().await).await,
        }
    }

    /// Keeps a subscription open (MCP 2026-07-28, `subscriptions/listen`) until it brings a change. One that was
    /// lost may have missed one.
    async fn subscribed_change(&self, subscribed: &mut Subscribed) {
        loop {
            let open = match &mut subscribed.open {
                Some(open) => open,
                none => {
                    let filter = SubscriptionFilter::builder().tools_list_changed().build();
                    match self.service.peer().listen(filter).await {
                        Ok(open) => none.insert(open),
                        Err(_) => {
                            sleep(RESUBSCRIBE).await;
                            continue;
                        }
                    }
                }
            };
            if std::mem::take(&mut subscribed.lost) || matches!(open.next().await, Ok(Some(_))) {
                return;
            }
            *subscribed = Subscribed { open: None, lost: true };
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
        let _ = stop.run_until_cancelled(timeout(patience, self.handle.idle())).await;
        self.close().await;
    }

    /// Ends the connection.
    pub(super) async fn close(mut self) {
        let _ = timeout(GOODBYE, self.service.close()).await;
        self.handle.close().await;
    }
}

/// Sends the answers to the server's own requests one after another, for as long as the connection lasts. One that the
/// server does not take is the server's loss.
async fn answer(transport: Arc<OpenTransport>, inbound: Arc<Inbound>, mut answers: mpsc::Receiver<Frame>) {
    let all = async {
        while let Some(frame) = answers.recv().await {
            inbound.answer_taken();
            let _ = timeout(ANSWER, transport.answer(frame)).await;
        }
    };
    tokio::select! {
        () = all => {}
        () = inbound.closed() => {}
    }
}
