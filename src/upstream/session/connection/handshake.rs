//! How a connection begins, and why it does not.

use rmcp::{
    model::ProtocolVersion,
    service::{ClientInitializeError, ClientLifecycleMode},
};

use crate::upstream::{
    protocol::{
        error::{ConnectError, TransportError},
        normalize,
    },
    transport::inbound::Inbound,
};

/// How a connection begins.
#[derive(Debug, Clone)]
pub(super) enum Handshake {
    /// The stateless generation if the server speaks it, else the handshake of the older ones.
    Auto,
    /// `initialize`, with this version.
    Initialize(ProtocolVersion),
}

impl Handshake {
    pub(super) fn lifecycle(&self) -> ClientLifecycleMode {
        match self {
            Self::Auto => ClientLifecycleMode::Auto {
                preferred_versions: vec![normalize::STATELESS],
                legacy_version: Some(self.version()),
            },
            Self::Initialize(_) => ClientLifecycleMode::Initialize,
        }
    }

    /// The version that `initialize` offers.
    pub(super) fn version(&self) -> ProtocolVersion {
        match self {
            Self::Auto => ProtocolVersion::LATEST_WITH_INITIALIZE,
            Self::Initialize(version) => version.clone(),
        }
    }
}

/// rmcp's error, in words for the operator.
pub(super) fn explain(error: ClientInitializeError, inbound: &Inbound) -> ConnectError {
    match error {
        ClientInitializeError::TransportError { error, .. } => match error.error.downcast::<TransportError>()
        {
            Ok(error) => ConnectError::Transport(*error),
            Err(error) => ConnectError::Handshake(error.to_string()),
        },
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => explain(*fallback, inbound),
        ClientInitializeError::ConnectionClosed(_) => {
            ConnectError::Transport(TransportError::Lost(inbound.reason()))
        }
        ClientInitializeError::ExpectedInitResult(_) => {
            ConnectError::Handshake("the server answered with something else".into())
        }
        ClientInitializeError::JsonRpcError(error) if error.code == normalize::UNREADABLE => {
            ConnectError::Handshake(error.message.into_owned())
        }
        ClientInitializeError::JsonRpcError(error) => ConnectError::Refused {
            data: error.data.map(|data| data.to_string()).unwrap_or_default(),
            message: error.message.into_owned(),
        },
        error => ConnectError::Handshake(error.to_string()),
    }
}
