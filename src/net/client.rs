//! The HTTP clients of mcpo's own requests. Every one is made here, so that each goes by the forward proxy that the
//! environment names, and by no other rules.

use reqwest::{Client, ClientBuilder, Proxy, redirect::Policy};

use crate::config::ForwardProxy;

/// A client that names mcpo as its user agent and goes by `proxy`.
pub fn client(proxy: &ForwardProxy) -> ClientBuilder {
    let proxy = proxy.clone();
    // Given a proxy, reqwest no longer looks for one itself.
    Client::builder()
        .user_agent(concat!("mcpo/", env!("CARGO_PKG_VERSION")))
        .proxy(Proxy::custom(move |url| proxy.of(url).cloned()))
}

/// A [`client`] that leaves redirects to its caller; see [`redirect`](super::redirect()).
pub fn client_without_redirects(proxy: &ForwardProxy) -> ClientBuilder {
    client(proxy).redirect(Policy::none())
}
