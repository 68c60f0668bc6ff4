//! How a connection is made: over which transport, with which handshake.

use std::{future::ready, sync::Arc};

use rmcp::model::ProtocolVersion;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::{
    Connection, ToolHeaders,
    handshake::Handshake,
    tool_list::{self, Pages},
};
use crate::{
    config::{self, Remote, Upstream},
    held::Holder,
    oauth::Authorizer,
    upstream::{
        protocol::{
            error::{ConnectError, TransportError},
            forwarded::Forwarded,
            listing::Listing,
        },
        transport::{OpenTransport, inbound::Inbound, remote::Principal, stdio::ProgramView},
    },
};

/// What it takes to reach one server.
pub(crate) struct Connector<'a> {
    pub(crate) server: &'a config::Server,
    /// `None` for servers that take no tokens.
    pub(crate) authorizer: Option<&'a Authorizer>,
    /// The headers of the one caller that the connection is for; `None` if it is for all.
    pub(crate) forwarded: Option<&'a Forwarded>,
    /// The largest message that is taken, in bytes.
    pub(crate) max_message: usize,
    /// Who holds messages that have not come whole: the server, over all its connections.
    pub(crate) holder: &'a Arc<Holder>,
    /// What is known of the server's tools.
    pub(crate) tools: &'a ToolHeaders,
    /// What is seen of its program.
    pub(crate) view: &'a ProgramView,
}

/// Connects to a remote server once. Returns how many tools it has.
///
/// # Errors
///
/// See [`ConnectError`]; it may say that a login is needed.
pub async fn try_connect(
    server: &config::Server,
    authorizer: &Authorizer,
    max_message: usize,
    tasks: &TaskTracker,
) -> Result<usize, ConnectError> {
    let (tools, view) = (ToolHeaders::default(), ProgramView::default());
    let connector = Connector {
        server,
        authorizer: Some(authorizer),
        forwarded: None,
        max_message,
        holder: &Arc::default(),
        tools: &tools,
        view: &view,
    };
    let (connection, listing) = Box::pin(connector.open(tasks)).await?;
    connection.close().await;
    Ok(listing.tools.len())
}

impl Connector<'_> {
    /// Opens a connection and lists the tools.
    pub(crate) async fn open(&self, tasks: &TaskTracker) -> Result<(Connection, Listing), ConnectError> {
        let attempt = async {
            if let Some(authorizer) = self.authorizer {
                authorizer.recall().await.map_err(TransportError::from)?;
            }
            let connection = self.connect(tasks).await?;
            match tool_list::tools(&self.server.name, &connection.handle, Pages::AsCanBeHad).await {
                Ok(tools) => {
                    let info = connection.info.clone();
                    Ok((connection, Listing { info, tools }))
                }
                Err(error) => {
                    connection.close().await;
                    Err(error)
                }
            }
        };
        self.in_time(Box::pin(attempt)).await
    }

    /// Opens a connection for calls alone: what the server's tools are is known.
    pub(crate) async fn open_for_calls(&self, tasks: &TaskTracker) -> Result<Connection, ConnectError> {
        self.in_time(Box::pin(self.connect(tasks))).await
    }

    async fn in_time<T>(
        &self,
        attempt: impl Future<Output = Result<T, ConnectError>>,
    ) -> Result<T, ConnectError> {
        let limit = self.server.bounds.initialize(&self.server.upstream);
        timeout(limit, attempt).await.unwrap_or(Err(ConnectError::Timeout(limit)))
    }

    async fn shake_hands<F>(
        &self,
        transport: impl FnOnce(Arc<Inbound>) -> F,
        handshake: Handshake,
    ) -> Result<Connection, ConnectError>
    where
        F: Future<Output = Result<OpenTransport, ConnectError>>,
    {
        let name = &self.server.name;
        let inbound = Inbound::new(name, self.max_message, self.holder.clone());
        Connection::shake_hands(name, inbound, self.tools.clone(), transport, handshake).await
    }

    fn principal(&self) -> Principal<'_> {
        let connect = self.server.bounds.connect;
        Principal { authorizer: self.authorizer, forwarded: self.forwarded, connect }
    }

    /// Opens a connection and completes the handshake. Takes as long as the server does.
    async fn connect(&self, tasks: &TaskTracker) -> Result<Connection, ConnectError> {
        match &self.server.upstream {
            Upstream::Stdio(stdio) => self.stdio(stdio, tasks).await,
            Upstream::Http(remote) => self.http(remote).await,
            Upstream::Sse(remote) => self.sse(remote).await,
            Upstream::Probe(remote) => match self.http(remote).await {
                // What a server of 2024-11-05 answers to a POST (MCP 2025-11-25, Backwards Compatibility).
                Err(ConnectError::Transport(TransportError::Refused { status: 400..=499, .. })) => {
                    self.sse(remote).await
                }
                done => done,
            },
        }
    }

    async fn stdio(&self, stdio: &config::Stdio, tasks: &TaskTracker) -> Result<Connection, ConnectError> {
        let name = &self.server.name;
        let transport = || |inbound| OpenTransport::stdio(name, stdio, inbound, self.view, tasks);
        let legacy = Handshake::Initialize(ProtocolVersion::LATEST_WITH_INITIALIZE);
        match self.negotiate(transport, Handshake::Auto).await {
            // Some old servers end at the first request that they do not know, which is our probe.
            Err(ConnectError::Transport(TransportError::Lost(_))) => self.negotiate(transport, legacy).await,
            done => done,
        }
    }

    async fn http(&self, remote: &Remote) -> Result<Connection, ConnectError> {
        let transport = || |inbound| ready(OpenTransport::http(remote, self.principal(), inbound));
        self.negotiate(transport, Handshake::Auto).await
    }

    async fn sse(&self, remote: &Remote) -> Result<Connection, ConnectError> {
        let transport = || |inbound| OpenTransport::sse(remote, self.principal(), inbound);
        self.negotiate(transport, Handshake::Initialize(ProtocolVersion::LATEST_WITH_INITIALIZE)).await
    }

    /// Shakes hands. A server that refuses the version and names others is offered the newest of them.
    async fn negotiate<W, F>(
        &self,
        transport: impl Fn() -> W,
        handshake: Handshake,
    ) -> Result<Connection, ConnectError>
    where
        W: FnOnce(Arc<Inbound>) -> F,
        F: Future<Output = Result<OpenTransport, ConnectError>>,
    {
        let error = match self.shake_hands(transport(), handshake).await {
            Err(error) => error,
            done => return done,
        };
        match named_version(&error) {
            Some(version) => self.shake_hands(transport(), Handshake::Initialize(version)).await,
            None => Err(error),
        }
    }
}

/// The newest version that a refusal of the handshake names beside the one that was offered.
fn named_version(error: &ConnectError) -> Option<ProtocolVersion> {
    let texts = match error {
        ConnectError::Refused { message, data } => [message, data],
        ConnectError::Transport(TransportError::Refused { status: 400, body }) => [body, body],
        _ => return None,
    };
    let older = ProtocolVersion::KNOWN_VERSIONS
        .iter()
        .filter(|version| version.has_initialize() && **version != ProtocolVersion::LATEST_WITH_INITIALIZE);
    let named = older.filter(|version| texts.iter().any(|text| text.contains(version.as_str())));
    named.max_by(|a, b| a.as_str().cmp(b.as_str())).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_may_name_a_version() {
        let refused =
            |message: &str, data: &str| ConnectError::Refused { message: message.into(), data: data.into() };
        for (error, version) in [
            (
                refused("no", r#"{"supported":["2024-11-05","2025-03-26"],"requested":"2025-11-25"}"#),
                Some("2025-03-26"),
            ),
            (
                refused("Unsupported protocol version 2025-11-25 (supported: 2024-11-05)", ""),
                Some("2024-11-05"),
            ),
            (refused("Unsupported protocol version 2025-11-25", "null"), None),
            (
                TransportError::Refused { status: 400, body: "supported versions: 2025-06-18".into() }.into(),
                Some("2025-06-18"),
            ),
            (TransportError::Refused { status: 401, body: "2025-06-18".into() }.into(), None),
        ] {
            assert_eq!(named_version(&error).as_ref().map(ProtocolVersion::as_str), version, "{error:?}");
        }
    }
}
