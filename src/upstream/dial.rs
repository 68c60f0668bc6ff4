//! How a connection is made: over which transport, with which handshake.

use std::future::ready;

use rmcp::{model::ProtocolVersion, service::ClientLifecycleMode};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::{
    connection::Connection,
    error::{ConnectError, WireError},
    listing::{self, Listing},
    wire::Wire,
};
use crate::{
    config::{self, Remote, Upstream},
    oauth::Authorizer,
};

/// What it takes to reach one server.
pub(super) struct Dial<'a> {
    pub(super) server: &'a config::Server,
    /// Nothing for servers that take no tokens.
    pub(super) authorizer: Option<&'a Authorizer>,
    /// The largest message that is taken, in bytes.
    pub(super) max_message: usize,
}

/// Connects to a remote server once, and tells how many tools it has.
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
    let dial = Dial { server, authorizer: Some(authorizer), max_message };
    let (connection, listing) = Box::pin(dial.open(tasks)).await?;
    connection.close().await;
    Ok(listing.tools.len())
}

impl Dial<'_> {
    /// Opens a connection and lists the tools.
    pub(super) async fn open(&self, tasks: &TaskTracker) -> Result<(Connection, Listing), ConnectError> {
        let attempt = async {
            if let Some(authorizer) = self.authorizer {
                authorizer.recall().await.map_err(WireError::from)?;
            }
            let connection = self.connect(tasks).await?;
            match listing::tools(&self.server.name, &connection.caller).await {
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
        let limit = self.server.bounds.connect;
        timeout(limit, attempt).await.unwrap_or(Err(ConnectError::Timeout(limit)))
    }

    /// Opens a connection and completes the handshake. Takes as long as the server does.
    async fn connect(&self, tasks: &TaskTracker) -> Result<Connection, ConnectError> {
        match &self.server.upstream {
            Upstream::Stdio(stdio) => self.stdio(stdio, tasks).await,
            Upstream::Http(remote) => self.http(remote).await,
            Upstream::Sse(remote) => self.sse(remote).await,
            Upstream::Probe(remote) => match self.http(remote).await {
                // What a server of 2024-11-05 answers to a POST (MCP 2025-11-25, Backwards Compatibility).
                Err(ConnectError::Wire(WireError::Refused { status: 400..=499, .. })) => {
                    self.sse(remote).await
                }
                done => done,
            },
        }
    }

    async fn stdio(&self, stdio: &config::Stdio, tasks: &TaskTracker) -> Result<Connection, ConnectError> {
        let name = &self.server.name;
        let wire = |inbox| ready(Wire::stdio(name, stdio, inbox, tasks));
        match Connection::shake_hands(name, self.max_message, wire, auto()).await {
            // Some old servers end at the first request that they do not know, which is our probe, or answer it as
            // they answer everything.
            Err(ConnectError::Wire(WireError::Lost(_)) | ConnectError::OddAnswer) => {
                Connection::shake_hands(name, self.max_message, wire, ClientLifecycleMode::Initialize).await
            }
            done => done,
        }
    }

    async fn http(&self, remote: &Remote) -> Result<Connection, ConnectError> {
        let wire = |inbox| ready(Wire::http(remote, self.authorizer, inbox));
        match Connection::shake_hands(&self.server.name, self.max_message, wire, auto()).await {
            Err(ConnectError::OddAnswer) => {
                let lifecycle = ClientLifecycleMode::Initialize;
                Connection::shake_hands(&self.server.name, self.max_message, wire, lifecycle).await
            }
            done => done,
        }
    }

    async fn sse(&self, remote: &Remote) -> Result<Connection, ConnectError> {
        let wire = |inbox| Wire::sse(remote, self.authorizer, inbox);
        let lifecycle = ClientLifecycleMode::Initialize;
        Connection::shake_hands(&self.server.name, self.max_message, wire, lifecycle).await
    }
}

/// The stateless generation where the server speaks it, else the handshake of the older ones.
fn auto() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::V_2025_11_25),
    }
}
