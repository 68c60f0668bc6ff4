//! What protected resources (RFC 9728) and authorization servers (RFC 8414, OpenID Connect Discovery 1.0) publish of
//! themselves, as far as logins need it.
//!
//! A member that cannot be used is left out; the document is refused only if the member is indispensable. Invariant:
//! every endpoint of an [`AuthorizationServer`] is one that [`GuardedClient::check`] lets pass.

use serde_json::Value;
use url::Url;

use crate::{
    net::GuardedClient,
    oauth::{
        lenient::{flag, list, names, text},
        scopes::Scopes,
    },
};

/// Protected resource metadata (RFC 9728 section 2).
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// `resource`: what it calls itself, a URL. It has to say so, but some do not.
    pub resource: Option<String>,
    /// `authorization_servers`: their issuer identifiers.
    pub authorization_servers: Vec<String>,
    /// `scopes_supported`; never empty.
    pub scopes: Option<Scopes>,
}

/// Authorization server metadata (RFC 8414 section 2).
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationServer {
    /// `issuer`, exactly as the server writes it.
    pub issuer: String,
    /// `authorization_endpoint`
    pub authorization_endpoint: Option<Url>,
    /// `token_endpoint`
    pub token_endpoint: Url,
    /// `registration_endpoint`
    pub registration_endpoint: Option<Url>,
    /// `revocation_endpoint`
    pub revocation_endpoint: Option<Url>,
    /// `scopes_supported`; never empty.
    pub scopes: Option<Scopes>,
    /// `token_endpoint_auth_methods_supported`
    pub auth_methods: Vec<String>,
    /// `code_challenge_methods_supported`
    pub code_challenge_methods: Vec<String>,
    /// `client_id_metadata_document_supported`
    pub client_id_metadata_document: bool,
    /// `authorization_response_iss_parameter_supported` (RFC 9207 section 3)
    pub iss_parameter: bool,
    /// Nothing is published: the endpoints are where MCP 2025-03-26 expects them, if they are at all.
    pub presumed: bool,
    /// The endpoints that are published and cannot be used, each with the reason.
    pub faults: Vec<String>,
}

impl Resource {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// Says why it is none.
    pub(crate) fn read(document: &Value) -> Result<Self, String> {
        let resource = text(&document["resource"]).map(|resource| resource.trim().to_owned());
        // What is no URL names no other server either.
        let resource = resource.filter(|resource| Url::parse(resource).is_ok());
        let authorization_servers = list(&document["authorization_servers"]);
        if resource.is_none() && authorization_servers.is_empty() {
            return Err("it names neither a `resource` nor `authorization_servers`".into());
        }
        Ok(Self { resource, authorization_servers, scopes: scopes(document) })
    }

    /// Whether these are the metadata of `server` (RFC 9728 section 3.3): they may speak for a whole origin or for all
    /// below a path, as the token's audience then holds the server too. Those that do not say whose they are may be.
    pub(crate) fn is_of(&self, server: &Url) -> bool {
        self.resource.as_deref().is_none_or(|resource| {
            // The parser would leave out line breaks, and the resource is sent as it is.
            is_graphic(resource) && Url::parse(resource).is_ok_and(|resource| holds(&resource, server))
        })
    }
}

/// Whether `url` is that of `server`, or that of what `server` is below.
pub(crate) fn holds(url: &Url, server: &Url) -> bool {
    let below = server.path().strip_prefix(url.path().trim_end_matches('/'));
    url.origin() == server.origin()
        && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        && (url.query().is_none() || url.query() == server.query())
        && url.fragment().is_none()
}

impl AuthorizationServer {
    /// Reads the document that was found for the issuer identifier `issuer`.
    ///
    /// # Errors
    ///
    /// Says why it must not be used.
    pub(crate) fn read(document: &Value, issuer: &str, guarded: &GuardedClient) -> Result<Self, String> {
        let own = text(&document["issuer"]).ok_or("it has no `issuer`")?.trim().to_owned();
        if !is_graphic(&own) || without_empty_path(&own) != without_empty_path(issuer) {
            return Err(format!("its `issuer` is {own:?}, not {issuer:?}"));
        }
        let mut faults = Vec::new();
        let mut endpoint = |name: &str| {
            let url = Url::parse(&text(&document[name])?)
                .map_err(|error| format!("its `{name}` is no URL: {error}"));
            let checked = url.and_then(|url| match guarded.check(&url) {
                Ok(()) => Ok(url),
                Err(error) => Err(format!("its `{name}`: {error}")),
            });
            checked.map_err(|fault| faults.push(fault)).ok()
        };
        let token_endpoint = endpoint("token_endpoint");
        let [authorization_endpoint, registration_endpoint, revocation_endpoint] =
            ["authorization_endpoint", "registration_endpoint", "revocation_endpoint"].map(endpoint);
        let Some(token_endpoint) = token_endpoint else {
            return Err(faults.into_iter().next().unwrap_or_else(|| "it has no `token_endpoint`".into()));
        };
        let methods = &document["token_endpoint_auth_methods_supported"];
        Ok(Self {
            issuer: own,
            authorization_endpoint,
            token_endpoint,
            registration_endpoint,
            revocation_endpoint,
            scopes: scopes(document),
            // RFC 8414 section 2 says what a missing list means.
            auth_methods: if methods.is_null() { vec!["client_secret_basic".into()] } else { names(methods) },
            code_challenge_methods: names(&document["code_challenge_methods_supported"]),
            client_id_metadata_document: flag(&document["client_id_metadata_document_supported"]),
            iss_parameter: flag(&document["authorization_response_iss_parameter_supported"]),
            presumed: false,
            faults,
        })
    }

    /// What the MCP specification of 2025-03-26 takes for granted of a server at `origin` without metadata (its section
    /// 2.3.3). It requires PKCE of all clients and servers.
    ///
    /// # Errors
    ///
    /// The policy forbids requests to that origin.
    pub(crate) fn by_convention(origin: &Url, guarded: &GuardedClient) -> Result<Self, String> {
        let at = |path: &str| origin.join(path).map(String::from).ok();
        let issuer = origin.origin().ascii_serialization();
        let document = serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "registration_endpoint": at("/register"),
            "code_challenge_methods_supported": ["S256"],
        });
        Ok(Self { presumed: true, ..Self::read(&document, &issuer, guarded)? })
    }

    /// Whether `issuer` is this one.
    pub(crate) fn is(&self, issuer: &str) -> bool {
        without_empty_path(&self.issuer) == without_empty_path(issuer)
    }

    /// Whether the metadata list `S256`, which binds authorization codes to their request (RFC 7636). The MCP
    /// specification allows no login without it.
    pub(crate) fn can_pkce(&self) -> bool {
        self.code_challenge_methods.iter().any(|method| method.eq_ignore_ascii_case("S256"))
    }
}

fn is_graphic(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Issuers are compared letter by letter (RFC 8414 section 3.3), but for the slash of an empty path: URL libraries add
/// it to one of two documents and not to the other, and both forms are one URL (RFC 3986 section 6.2.3).
fn without_empty_path(issuer: &str) -> &str {
    match issuer.strip_suffix('/') {
        Some(origin) if origin.matches('/').count() == 2 => origin,
        _ => issuer,
    }
}

/// `scopes_supported`
fn scopes(document: &Value) -> Option<Scopes> {
    let scopes = Scopes::from_iter(names(&document["scopes_supported"]));
    (!scopes.is_empty()).then_some(scopes)
}

#[cfg(test)]
mod tests;
