//! Where servers publish metadata: well-known URIs (RFC 8615) of an issuer or a resource.

use url::Url;

/// Authorization server metadata (RFC 8414).
pub const AUTHORIZATION_SERVER: &str = "oauth-authorization-server";
/// OpenID Connect Discovery 1.0.
pub const OPENID: &str = "openid-configuration";
/// Protected resource metadata (RFC 9728).
pub const PROTECTED_RESOURCE: &str = "oauth-protected-resource";

/// The well-known URI between the host and the path of `url`, as RFC 8414 section 3.1 and RFC 9728 section 3.1 have it.
pub fn inserted(url: &Url, name: &str) -> Url {
    let mut inserted = url.clone();
    inserted.set_path(&format!("/.well-known/{name}{}", url.path().trim_end_matches('/')));
    inserted
}

/// The well-known URI behind the path of `url`, as OpenID Connect Discovery has it.
pub fn appended(url: &Url, name: &str) -> Url {
    let mut appended = url.clone();
    appended.set_path(&format!("{}/.well-known/{name}", url.path().trim_end_matches('/')));
    appended
}
