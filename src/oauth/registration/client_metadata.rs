//! What mcpo says of itself: client metadata (RFC 7591 section 2), sent to register or published as a document.

use serde_json::{Map, Value, json};
use url::Url;

use crate::config::is_loopback_host;

/// What a document takes from the configured metadata. It is public, so nothing else of them gets there.
const PUBLISHED: [&str; 5] = ["client_name", "client_uri", "logo_uri", "redirect_uris", "scope"];

/// Our client-id metadata document, to be served at `url`, which is our `client_id`
/// (draft-ietf-oauth-client-id-metadata-document).
pub(crate) fn document(url: &Url, redirect_uri: &Url, given: &Map<String, Value>) -> Value {
    let published: Map<_, _> =
        given.iter().filter(|(name, _)| PUBLISHED.contains(&name.as_str())).map(own).collect();
    let mut document = Map::from_iter([("client_id".to_owned(), json!(url))]);
    document.extend(describe(redirect_uri, &published));
    document.insert("token_endpoint_auth_method".to_owned(), json!("none"));
    document.into()
}

/// What a registration and a document have in common, with `given` taking precedence. Only `redirect_uris` holds
/// ours whatever is given: logins come back nowhere else.
pub(crate) fn describe(redirect_uri: &Url, given: &Map<String, Value>) -> Map<String, Value> {
    let others = given.get("redirect_uris").and_then(Value::as_array).into_iter().flatten();
    let ours = json!(redirect_uri);
    let others = others.filter(|other| **other != ours).cloned();
    let redirect_uris: Vec<_> = std::iter::once(ours.clone()).chain(others).collect();
    let mut description = Map::from_iter([
        ("client_name".to_owned(), json!("mcpo")),
        ("grant_types".to_owned(), json!(["authorization_code", "refresh_token"])),
        ("response_types".to_owned(), json!(["code"])),
        ("application_type".to_owned(), json!(application_type(redirect_uri))),
    ]);
    description.extend(given.iter().map(own));
    description.insert("redirect_uris".to_owned(), redirect_uris.into());
    description
}

/// Native clients are those whose logins end on the person's own machine (OpenID Connect Registration section 2).
fn application_type(redirect_uri: &Url) -> &'static str {
    let loopback = redirect_uri.host().is_some_and(|host| is_loopback_host(&host));
    if loopback { "native" } else { "web" }
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn given(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_document_says_what_a_server_needs_and_no_secrets() {
        let given = given(&json!({
            "client_name": "Tools",
            "client_uri": "https://example.com",
            "logo_uri": "https://example.com/logo.png",
            "scope": "a b",
            "client_secret": "s3cret",
            "client_id": "another",
            "token_endpoint_auth_method": "client_secret_post",
        }));
        let id = url("https://gate.example/oauth/client.json");
        assert_eq!(
            document(&id, &url("https://gate.example/oauth/callback"), &given),
            json!({
                "client_id": "https://gate.example/oauth/client.json",
                "client_name": "Tools",
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "application_type": "web",
                "client_uri": "https://example.com",
                "logo_uri": "https://example.com/logo.png",
                "scope": "a b",
                "redirect_uris": ["https://gate.example/oauth/callback"],
                "token_endpoint_auth_method": "none",
            })
        );
        assert_eq!(document(&id, &id, &Map::new())["client_name"], "mcpo");
    }

    #[test]
    fn what_is_given_counts_but_our_redirect_stays_first() {
        let ours = "http://127.0.0.1:3333/callback";
        let given = given(&json!({
            "redirect_uris": ["https://other.example/cb", ours, "https://third.example/cb"],
            "grant_types": ["authorization_code"],
            "application_type": "web",
            "software_id": "x",
        }));
        assert_eq!(
            Value::from(describe(&url(ours), &given)),
            json!({
                "client_name": "mcpo",
                "grant_types": ["authorization_code"],
                "response_types": ["code"],
                "application_type": "web",
                "software_id": "x",
                "redirect_uris": [ours, "https://other.example/cb", "https://third.example/cb"],
            })
        );
        let odd = Map::from_iter([("redirect_uris".to_owned(), json!("https://other.example"))]);
        assert_eq!(describe(&url(ours), &odd)["redirect_uris"], json!([ours]));
    }

    #[test]
    fn a_loopback_redirect_makes_a_native_client() {
        let cases = [
            ("http://localhost:1/cb", "native"),
            ("http://127.0.0.2/cb", "native"),
            ("http://[::1]:1/cb", "native"),
            ("https://gate.example/cb", "web"),
            ("https://localhost.example/cb", "web"),
            ("http://10.0.0.1/cb", "web"),
        ];
        for (redirect, kind) in cases {
            assert_eq!(application_type(&url(redirect)), kind, "{redirect}");
        }
    }
}
