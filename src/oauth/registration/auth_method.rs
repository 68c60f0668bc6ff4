//! Client authentication methods by their names on the wire (RFC 7591 section 2, RFC 7523).

use crate::{config::ClientAuthMethod, oauth::discovery::metadata::AuthorizationServer};

/// The method of this name.
pub(crate) fn parse(name: &str) -> Option<ClientAuthMethod> {
    use ClientAuthMethod::{Basic, None, Post, PrivateKeyJwt};
    [None, Basic, Post, PrivateKeyJwt].into_iter().find(|method| self::name(*method) == name)
}

/// The name of `method`.
pub(crate) fn name(method: ClientAuthMethod) -> &'static str {
    match method {
        ClientAuthMethod::None => "none",
        ClientAuthMethod::Basic => "client_secret_basic",
        ClientAuthMethod::Post => "client_secret_post",
        ClientAuthMethod::PrivateKeyJwt => "private_key_jwt",
    }
}

/// Whether the server says that it takes `method`.
pub(crate) fn lists(server: &AuthorizationServer, method: ClientAuthMethod) -> bool {
    server.auth_methods.iter().any(|listed| listed == name(method))
}

/// How to use a secret: in the header, which every server takes that gives out passwords (RFC 6749 section 2.3.1),
/// unless the server says that it wants it in the form.
pub(crate) fn with_secret(server: &AuthorizationServer) -> ClientAuthMethod {
    if lists(server, ClientAuthMethod::Post) && !lists(server, ClientAuthMethod::Basic) {
        ClientAuthMethod::Post
    } else {
        ClientAuthMethod::Basic
    }
}
