//! The authorization request (RFC 6749 section 4.1.1): the URL that a person's browser is sent to.

use indexmap::IndexMap;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope, basic::BasicClient};
use url::Url;

use crate::oauth::{registration::client::Client, scopes::Scopes};

/// The scope that asks for a refresh token (OpenID Connect Core section 11).
const OFFLINE_ACCESS: &str = "offline_access";

/// Returns the URL of a login at the authorization endpoint `endpoint`. It requests tokens for `resource` (RFC 8707),
/// if that is given, and carries the configured parameters `more`.
///
/// It holds `state`, so it is shown to the person who logs in and goes to no log.
pub(crate) fn authorization_url(
    endpoint: &Url,
    client: &Client,
    scopes: Option<&Scopes>,
    resource: Option<&str>,
    more: &[(String, String)],
    state: CsrfToken,
    challenge: PkceCodeChallenge,
) -> Url {
    let mut oauth2 =
        BasicClient::new(ClientId::new(client.id.clone())).set_auth_uri(AuthUrl::from_url(endpoint.clone()));
    if let Some(url) = &client.redirect_uri {
        oauth2 = oauth2.set_redirect_uri(RedirectUrl::from_url(url.clone()));
    }
    let mut request = oauth2.authorize_url(|| state).set_pkce_challenge(challenge);
    if let Some(resource) = resource {
        request = request.add_extra_param("resource", resource);
    }
    if let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) {
        request = request.add_scope(Scope::new(scopes.to_string()));
        if scopes.contains(OFFLINE_ACCESS) && !more.iter().any(|(name, _)| name == "prompt") {
            // OpenID servers ignore the scope unless the person is asked.
            request = request.add_extra_param("prompt", "consent");
        }
    }
    for (name, value) in more {
        request = request.add_extra_param(name, value);
    }
    let mut url = request.url().0;
    // RFC 6749 section 3.1: each once. Endpoints are published with a query of their own, and ours counts.
    let parameters: IndexMap<_, _> = url.query_pairs().into_owned().collect();
    url.query_pairs_mut().clear().extend_pairs(parameters);
    url
}

#[cfg(test)]
mod tests {
    use oauth2::PkceCodeVerifier;

    use super::*;
    use crate::{config::ClientAuthMethod, oauth::registration::client::ClientOrigin};

    /// The query of the URL for these scopes.
    fn query(endpoint: &str, scopes: Option<&str>) -> Vec<(String, String)> {
        query_with(endpoint, scopes, Some("https://mcp.example/mcp"), &[])
    }

    fn query_with(
        endpoint: &str,
        scopes: Option<&str>,
        resource: Option<&str>,
        more: &[(&str, &str)],
    ) -> Vec<(String, String)> {
        let client = Client {
            issuer: "https://auth.example".to_owned(),
            id: "id &1".to_owned(),
            secret: Some("s3cret".into()),
            secret_expires: None,
            scopes: None,
            method: ClientAuthMethod::Post,
            redirect_uri: Some("http://127.0.0.1:8000/oauth/callback".parse().unwrap()),
            origin: ClientOrigin::Registered,
        };
        let verifier = PkceCodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let url = authorization_url(
            &endpoint.parse().unwrap(),
            &client,
            scopes.map(Scopes::parse).as_ref(),
            resource,
            &more.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect::<Vec<_>>(),
            CsrfToken::new("st4te".to_owned()),
            challenge,
        );
        assert!(url.as_str().starts_with("https://auth.example/authorize?"), "{url}");
        url.query_pairs().into_owned().collect()
    }

    #[test]
    fn it_asks_for_a_code_with_pkce_state_and_resource() {
        let expected = [
            ("response_type", "code"),
            ("client_id", "id &1"),
            ("state", "st4te"),
            // RFC 7636 appendix B
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            ("redirect_uri", "http://127.0.0.1:8000/oauth/callback"),
            ("resource", "https://mcp.example/mcp"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(query("https://auth.example/authorize", None), expected);
        assert_eq!(query("https://auth.example/authorize", Some("")), expected);
        let tenant = query("https://auth.example/authorize?tenant=1", None);
        assert_eq!((tenant[0].1.as_str(), &tenant[1..]), ("1", &expected[..]));
    }

    #[test]
    fn a_parameter_stands_once_though_the_endpoint_has_it() {
        let query =
            query("https://auth.example/authorize?resource=https://auth.example&tenant=1&state=x", None);
        let values = |name: &str| {
            query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(values("resource"), ["https://mcp.example/mcp"]);
        assert_eq!((values("tenant"), values("state")), (vec!["1"], vec!["st4te"]));
    }

    #[test]
    fn the_resource_can_be_left_out_and_parameters_added() {
        let more = [("access_type", "offline"), ("prompt", "select_account")];
        let query = query_with("https://auth.example/authorize", Some("offline_access"), None, &more);
        let names: Vec<_> = query.iter().map(|(name, _)| name.as_str()).collect();
        assert!(!names.contains(&"resource"), "{query:?}");
        let added = [("access_type", "offline"), ("prompt", "select_account")];
        assert_eq!(query[query.len() - 2..], added.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(names.iter().filter(|name| **name == "prompt").count(), 1, "{query:?}");
    }

    #[test]
    fn scopes_are_asked_for_and_offline_access_with_consent() {
        let value = |scopes, name: &str| {
            let query = query("https://auth.example/authorize", Some(scopes));
            query.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
        };
        assert_eq!(value("a b", "scope").as_deref(), Some("a b"));
        assert_eq!(value("a b", "prompt"), None);
        assert_eq!(value("a offline_access", "scope").as_deref(), Some("a offline_access"));
        assert_eq!(value("a offline_access", "prompt").as_deref(), Some("consent"));
    }
}
