//! rmcp's side of a connection: its messages travel over our transport, and its notifications come to us.

use std::sync::Arc;

use rmcp::{
    ClientHandler, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, ClientJsonRpcMessage, JsonRpcMessage, ProtocolVersion,
        ServerJsonRpcMessage,
    },
};
use tokio::sync::mpsc;

use crate::upstream::{
    protocol::{error::TransportError, request},
    transport::{OpenTransport, inbound::Inbound},
};

/// What rmcp sends and receives. The connection closes the transport, not rmcp.
pub(super) struct RmcpTransport {
    pub(super) transport: Arc<OpenTransport>,
    pub(super) inbound: Arc<Inbound>,
    pub(super) messages: mpsc::Receiver<ServerJsonRpcMessage>,
}

impl rmcp::transport::Transport<RoleClient> for RmcpTransport {
    type Error = TransportError;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), TransportError>> + Send + 'static {
        let transport = self.transport.clone();
        let inbound = self.inbound.clone();
        let asked = match &message {
            JsonRpcMessage::Request(request) => {
                inbound.expect_control(&request.id, request.request.method());
                Some(request.id.clone())
            }
            _ => None,
        };
        async move {
            let sent = tokio::select! {
                biased;
                sent = transport.control(message) => sent,
                () = inbound.closed() => Err(TransportError::NotSent(inbound.reason())),
            };
            if let (Err(_), Some(id)) = (&sent, asked) {
                inbound.forget_control(&id);
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        tokio::select! {
            biased;
            message = self.messages.recv() => message,
            () = self.inbound.closed() => None,
        }
    }

    async fn close(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

/// What rmcp offers to a server. It is handed none of the server's own requests.
pub(super) struct RmcpHandler {
    /// The version to offer.
    pub(super) version: ProtocolVersion,
}

impl ClientHandler for RmcpHandler {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(ClientCapabilities::default(), request::client_info())
            .with_protocol_version(self.version.clone())
    }
}
