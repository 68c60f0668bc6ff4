//! What protected resources (RFC 9728) and authorization servers (RFC 8414, OpenID Connect Discovery 1.0) publish of
//! themselves, as far as logins need it.
//!
//! The readers are lenient about unknown and null members and strict about the types of those that they use. Invariant:
//! every endpoint of an [`AuthorizationServer`] is one that [`Outbound::check`] lets pass.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use super::{discovery::DiscoveryError, outbound::Outbound, scopes::Scopes};

/// Protected resource metadata (RFC 9728 section 2).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Resource {
    /// `resource`: what it calls itself.
    pub resource: String,
    /// `authorization_servers`: their issuer identifiers.
    #[serde(default, deserialize_with = "list")]
    pub authorization_servers: Vec<String>,
    /// `scopes_supported`; never empty.
    #[serde(default, rename = "scopes_supported", deserialize_with = "scopes")]
    pub scopes: Option<Scopes>,
}

/// Authorization server metadata (RFC 8414 section 2).
#[derive(Debug, Clone)]
pub(super) struct AuthorizationServer {
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
    pub code_challenge_methods: Option<Vec<String>>,
    /// `client_id_metadata_document_supported`
    pub client_id_metadata_document: bool,
    /// `authorization_response_iss_parameter_supported` (RFC 9207 section 3)
    pub iss_parameter: bool,
    /// Nothing is published: the endpoints are where MCP 2025-03-26 expects them, if they are at all.
    pub presumed: bool,
}

/// The document as published.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default, deserialize_with = "scopes")]
    scopes_supported: Option<Scopes>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    client_id_metadata_document_supported: Option<bool>,
    authorization_response_iss_parameter_supported: Option<bool>,
}

impl Resource {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// Says why it is none.
    pub(super) fn read(document: Value) -> Result<Self, String> {
        serde_json::from_value(document).map_err(|error| unlike(&error))
    }

    /// Whether these are the metadata of `server` (RFC 9728 section 3.3): they may speak for a whole origin or for all
    /// below a path, as the token's audience then holds the server too.
    pub(super) fn is_of(&self, server: &Url) -> bool {
        // The parser would leave out line breaks, and the resource is sent as it is.
        let Some(resource) = Url::parse(&self.resource).ok().filter(|_| is_graphic(&self.resource)) else {
            return false;
        };
        let below = server.path().strip_prefix(resource.path().trim_end_matches('/'));
        resource.origin() == server.origin()
            && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            && (resource.query().is_none() || resource.query() == server.query())
            && resource.fragment().is_none()
    }
}

impl AuthorizationServer {
    /// Reads the document that was found for the issuer identifier `issuer`.
    ///
    /// # Errors
    ///
    /// Says why it must not be used.
    pub(super) fn read(document: Value, issuer: &str, outbound: &Outbound) -> Result<Self, String> {
        let document: Document = serde_json::from_value(document).map_err(|error| unlike(&error))?;
        if !is_graphic(&document.issuer) || without_empty_path(&document.issuer) != without_empty_path(issuer)
        {
            return Err(format!("its `issuer` is {:?}, not {issuer:?}", document.issuer));
        }
        let endpoint = |name: &str, value: Option<String>| {
            let checked = |text: String| {
                let url = Url::parse(&text).map_err(|error| format!("its `{name}` is no URL: {error}"))?;
                outbound.check(&url).map_err(|error| format!("its `{name}`: {error}"))?;
                Ok::<_, String>(url)
            };
            value.map(checked).transpose()
        };
        // RFC 8414 section 2 says what a missing list means.
        let or_default = |list: Option<Vec<String>>, default: &[&str]| {
            list.unwrap_or_else(|| default.iter().map(ToString::to_string).collect())
        };
        Ok(Self {
            authorization_endpoint: endpoint("authorization_endpoint", document.authorization_endpoint)?,
            token_endpoint: endpoint("token_endpoint", document.token_endpoint)?
                .ok_or("it has no `token_endpoint`")?,
            registration_endpoint: endpoint("registration_endpoint", document.registration_endpoint)?,
            revocation_endpoint: endpoint("revocation_endpoint", document.revocation_endpoint)?,
            issuer: document.issuer,
            scopes: document.scopes_supported,
            auth_methods: or_default(
                document.token_endpoint_auth_methods_supported,
                &["client_secret_basic"],
            ),
            code_challenge_methods: document.code_challenge_methods_supported,
            client_id_metadata_document: document.client_id_metadata_document_supported == Some(true),
            iss_parameter: document.authorization_response_iss_parameter_supported == Some(true),
            presumed: false,
        })
    }

    /// What the MCP specification of 2025-03-26 takes for granted of a server at `origin` without metadata (its section
    /// 2.3.3). It requires PKCE of all clients and servers.
    ///
    /// # Errors
    ///
    /// Fails where the policy forbids to ask there.
    pub(super) fn by_convention(origin: &Url, outbound: &Outbound) -> Result<Self, String> {
        let at = |path: &str| origin.join(path).map(String::from).ok();
        let issuer = origin.origin().ascii_serialization();
        let document = serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "registration_endpoint": at("/register"),
            "code_challenge_methods_supported": ["S256"],
        });
        Ok(Self { presumed: true, ..Self::read(document, &issuer, outbound)? })
    }

    /// Whether authorization codes can be bound to their request (RFC 7636), without which the MCP specification allows
    /// no login.
    ///
    /// # Errors
    ///
    /// Fails where the metadata do not list `S256`.
    pub(super) fn can_pkce(&self) -> Result<(), DiscoveryError> {
        let listed = self.code_challenge_methods.iter().flatten().any(|method| method == "S256");
        if listed { Ok(()) } else { Err(DiscoveryError::NoPkce { issuer: self.issuer.clone() }) }
    }
}

fn unlike(error: &serde_json::Error) -> String {
    format!("it is no such metadata: {error}")
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

fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Scopes>, D::Error> {
    let scopes = Scopes::from_iter(list(deserializer)?);
    Ok((!scopes.is_empty()).then_some(scopes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::ForwardProxy;

    #[test]
    fn a_resource_is_of_servers_at_or_below_it() {
        let table = [
            ("https://h.example/mcp", true),
            ("https://h.example/mcp/", true),
            ("https://H.example:443", true),
            ("https://h.example/", true),
            ("https://h.example/mcp?tenant=1", true),
            ("https://h.example/mc", false),
            ("https://h.example/mcp/deeper", false),
            ("https://h.example/other", false),
            ("https://h.example/mcp?tenant=2", false),
            ("https://h.example/mcp#x", false),
            ("http://h.example/mcp", false),
            ("https://h.example:8443/mcp", false),
            ("https://evil.example/mcp", false),
            ("https://h.example.evil.example/mcp", false),
            ("https://h.exam\nple/mcp", false),
            ("/mcp", false),
            ("urn:mcp", false),
        ];
        let server = Url::parse("https://h.example/mcp?tenant=1").unwrap();
        for (resource, expected) in table {
            let resource = Resource::read(json!({ "resource": resource })).unwrap();
            assert_eq!(resource.is_of(&server), expected, "{resource:?}");
        }
    }

    #[test]
    fn reads_resources_without_their_optional_members() {
        let nulls = json!({"resource": "r", "authorization_servers": null, "scopes_supported": [], "x": 1});
        let resource = Resource::read(nulls).unwrap();
        assert!(resource.authorization_servers.is_empty() && resource.scopes.is_none());
        for document in
            [json!([]), json!({"resource": null}), json!({"resource": "r", "scopes_supported": "a"})]
        {
            assert!(Resource::read(document.clone()).is_err(), "{document}");
        }
    }

    /// Reads the smallest metadata with `members` put in.
    async fn read(members: Value) -> Result<AuthorizationServer, String> {
        let outbound = Outbound::towards(&Url::parse("https://1.1.1.1").unwrap(), &ForwardProxy::default())
            .await
            .unwrap();
        let mut document =
            json!({"issuer": "https://a.example", "token_endpoint": "https://a.example/token"});
        document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        AuthorizationServer::read(document, "https://a.example", &outbound)
    }

    #[tokio::test]
    async fn missing_members_have_their_defaults() {
        let server = read(json!({"scopes_supported": null, "registration_endpoint": null})).await.unwrap();
        assert_eq!(server.auth_methods, ["client_secret_basic"]);
        assert!(server.authorization_endpoint.is_none() && server.registration_endpoint.is_none());
        assert!(!server.iss_parameter && !server.client_id_metadata_document);
    }

    #[tokio::test]
    async fn pkce_has_to_be_listed() {
        let error = read(json!({})).await.unwrap().can_pkce().unwrap_err();
        assert!(error.to_string().starts_with("https://a.example does not list S256"), "{error}");
        let listed =
            async |methods| read(json!({ "code_challenge_methods_supported": methods })).await.unwrap();
        assert!(listed(json!(["plain"])).await.can_pkce().is_err());
        assert!(listed(json!(["plain", "S256"])).await.can_pkce().is_ok());
    }

    #[tokio::test]
    async fn other_issuers_and_forbidden_endpoints_are_refused() {
        assert_eq!(read(json!({"issuer": "https://a.example/"})).await.unwrap().issuer, "https://a.example/");
        let table = [
            (json!({"issuer": "https://A.example"}), "not \"https://a.example\""),
            (json!({"issuer": "https://a.example//"}), "its `issuer` is"),
            (json!({"issuer": "https://a.example/b"}), "its `issuer` is"),
            (json!({"issuer": null}), "it is no such metadata"),
            (json!({"token_endpoint": null}), "it has no `token_endpoint`"),
            (json!({"token_endpoint": "/token"}), "its `token_endpoint` is no URL"),
            (json!({"token_endpoint": "http://a.example/token"}), "logins need https"),
            (json!({"authorization_endpoint": "javascript:alert(1)"}), "logins need https"),
            (json!({"registration_endpoint": "https://10.0.0.1/register"}), "a private address"),
            (json!({"revocation_endpoint": "https://169.254.169.254"}), "an address of special use"),
            (json!({"code_challenge_methods_supported": "S256"}), "it is no such metadata"),
        ];
        for (members, expected) in table {
            let error = read(members.clone()).await.unwrap_err();
            assert!(error.contains(expected), "{members}: {error}");
        }
    }
}
