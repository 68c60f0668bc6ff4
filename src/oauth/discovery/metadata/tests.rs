//! Documents as servers publish them.

use serde_json::json;

use super::*;
use crate::{config::ForwardProxy, net::Network};

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
        ("urn:mcp", false),
        ("api://mcp", false),
    ];
    let server = Url::parse("https://h.example/mcp?tenant=1").unwrap();
    for (resource, expected) in table {
        let resource = Resource::read(&json!({ "resource": resource })).unwrap();
        assert_eq!(resource.is_of(&server), expected, "{resource:?}");
    }
}

#[test]
fn a_resource_is_read_as_servers_write_it() {
    let server = Url::parse("https://h.example/mcp").unwrap();
    let own = Some("https://h.example/mcp");
    for (document, resource, servers, scopes) in [
        (json!({"resource": "https://h.example/mcp", "scopes_supported": [], "x": 1}), own, &[][..], ""),
        (json!({"resource": ["https://h.example/mcp"], "authorization_servers": null}), own, &[], ""),
        (json!({"authorization_servers": "https://a.example"}), None, &["https://a.example"], ""),
        (
            json!({"resource": null, "authorization_servers": "https://a.example, https://b.example"}),
            None,
            &["https://a.example", "https://b.example"],
            "",
        ),
        (
            json!({"resource": "My server", "authorization_servers": [null, 5, "https://a.example"], "scopes_supported": "a b"}),
            None,
            &["5", "https://a.example"],
            "a b",
        ),
        (json!({"resource": [" https://h.example/mcp\n"], "scopes_supported": ["a,b", {}]}), own, &[], "a b"),
    ] {
        let read = Resource::read(&document).unwrap();
        assert_eq!((read.resource.as_deref(), read.is_of(&server)), (resource, true), "{document}");
        assert_eq!(read.authorization_servers, servers, "{document}");
        assert_eq!(read.scopes.unwrap_or_default().to_string(), scopes, "{document}");
    }
    for document in [json!([]), json!({}), json!({"error": "not found"}), json!({"resource": null})] {
        assert!(Resource::read(&document).is_err(), "{document}");
    }
}

/// Reads the smallest metadata with `members` put in.
async fn read(members: Value) -> Result<AuthorizationServer, String> {
    let url = Url::parse("https://1.1.1.1").unwrap();
    let guarded = Network::new(ForwardProxy::default()).login(&url, None);
    let mut document = json!({"issuer": "https://a.example", "token_endpoint": "https://a.example/token"});
    document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    AuthorizationServer::read(&document, "https://a.example", &guarded)
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
    assert!(!read(json!({})).await.unwrap().can_pkce());
    let listed = async |methods| read(json!({ "code_challenge_methods_supported": methods })).await.unwrap();
    for without in [json!(["plain"]), json!([]), json!({"S256": true})] {
        assert!(!listed(without.clone()).await.can_pkce(), "{without}");
    }
    for with in [json!(["plain", "S256"]), json!("S256"), json!("plain,s256")] {
        assert!(listed(with.clone()).await.can_pkce(), "{with}");
    }
}

#[tokio::test]
async fn a_member_costs_itself_alone() {
    let server = read(json!({
        "authorization_endpoint": ["https://a.example/authorize"],
        "registration_endpoint": "register here",
        "revocation_endpoint": "https://10.0.0.1/revoke",
        "scopes_supported": "a b",
        "token_endpoint_auth_methods_supported": "client_secret_post none",
        "client_id_metadata_document_supported": "true",
        "authorization_response_iss_parameter_supported": {},
    }))
    .await
    .unwrap();
    assert_eq!(
        server.authorization_endpoint.map(String::from).as_deref(),
        Some("https://a.example/authorize")
    );
    assert!(server.registration_endpoint.is_none() && server.revocation_endpoint.is_none());
    assert_eq!(server.auth_methods, ["client_secret_post", "none"]);
    assert_eq!(server.scopes, Some(Scopes::parse("a b")));
    assert!(server.client_id_metadata_document && !server.iss_parameter);
    assert!(server.faults[0].starts_with("its `registration_endpoint` is no URL"), "{:?}", server.faults);
    assert!(server.faults[1].contains("a private address"), "{:?}", server.faults);
}

#[tokio::test]
async fn other_issuers_and_forbidden_endpoints_are_refused() {
    for same in [json!("https://a.example/"), json!(["https://a.example/"]), json!(" https://a.example/ ")] {
        assert_eq!(read(json!({ "issuer": same })).await.unwrap().issuer, "https://a.example/");
    }
    let table = [
        (json!({"issuer": "https://A.example"}), "not \"https://a.example\""),
        (json!({"issuer": "https://a.example//"}), "its `issuer` is"),
        (json!({"issuer": "https://a.example/b"}), "its `issuer` is"),
        (json!({"issuer": null}), "it has no `issuer`"),
        (json!({"token_endpoint": null}), "it has no `token_endpoint`"),
        (json!({"token_endpoint": "/token"}), "its `token_endpoint` is no URL"),
        (json!({"token_endpoint": "http://a.example/token"}), "logins need https"),
        (json!({"token_endpoint": "https://169.254.169.254"}), "an address of special use"),
    ];
    for (members, expected) in table {
        let error = read(members.clone()).await.unwrap_err();
        assert!(error.contains(expected), "{members}: {error}");
    }
    let table = [
        (json!({"authorization_endpoint": "javascript:alert(1)"}), "logins need https"),
        (json!({"registration_endpoint": "https://10.0.0.1/register"}), "a private address"),
        (json!({"revocation_endpoint": "https://169.254.169.254"}), "an address of special use"),
    ];
    for (members, expected) in table {
        let server = read(members.clone()).await.unwrap();
        assert!(server.faults[0].contains(expected), "{members}: {:?}", server.faults);
        assert!(server.authorization_endpoint.is_none() && server.registration_endpoint.is_none());
        assert!(server.revocation_endpoint.is_none(), "{members}");
    }
}
