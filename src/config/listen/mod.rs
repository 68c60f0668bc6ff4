//! Where the gateway listens, and where its API appears to clients.

mod base_path;
mod proxies;
mod readiness;
mod socket;
mod tls;

pub use base_path::BasePath;
pub use proxies::TrustedProxies;
pub use readiness::Readiness;
pub use socket::Listen;
pub use tls::{Certificate, Clients, Tls};
