//! What the environment says: variables, `.env` files, the forward proxy and the service manager.

mod env_file;
mod forward_proxy;
pub(crate) mod overrides;
pub(crate) mod service_manager;
mod variables;

pub use forward_proxy::ForwardProxy;
pub use service_manager::ServiceManager;
pub(crate) use variables::BARE_NECESSITIES;
pub use variables::Environment;
