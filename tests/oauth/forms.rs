//! Metadata and challenges in the forms that servers write: a login goes well with each.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    fake::{Ask, Fake, RESOURCE_METADATA, Reply, SERVER_METADATA, UNUSUAL},
    fixture::{answered, echoes, log_in, log_in_to},
};
use crate::support::{Gateway, eventually};

/// Logs in to a server for each form, all behind one gateway, and gives the servers. `word` words their answers.
pub(super) async fn log_in_to_each<F: Clone + Send + Sync + 'static>(
    forms: impl IntoIterator<Item = (&'static str, F)>,
    word: fn(&F, &Ask, Reply) -> Reply,
) -> BTreeMap<&'static str, Fake> {
    let mut fakes = BTreeMap::new();
    for (name, form) in forms {
        fakes.insert(name, Fake::start(move |ask, reply| word(&form, ask, reply)).await);
    }
    let servers: Map<_, _> =
        fakes.iter().map(|(name, fake)| ((*name).to_owned(), fake.config(&json!({})))).collect();
    let gateway = Gateway::config(&servers.into()).start().await;
    for name in fakes.keys() {
        log_in_to(&gateway, name).await;
    }
    gateway.stop().await;
    fakes
}

#[tokio::test]
async fn metadata_of_the_resource_are_read() {
    /// Members, given the server's origin.
    type Members = fn(&str) -> Value;
    let forms: [(_, Members); 9] = [
        ("resource-in-a-list", |origin| json!({ "resource": [format!("{origin}/mcp")] })),
        ("resource-of-the-origin", |origin| json!({ "resource": origin })),
        ("no-resource", |_| json!({ "resource": null })),
        ("empty-resource", |_| json!({ "resource": "" })),
        ("resource-is-a-name", |_| json!({ "resource": "my server" })),
        ("resource-is-no-text", |_| json!({ "resource": { "id": 5 } })),
        ("scopes-as-text", |_| json!({ "scopes_supported": "read, write" })),
        ("scopes-are-none", |_| json!({ "scopes_supported": { "a": 1 } })),
        ("odd-others", |_| json!({ "bearer_methods_supported": 5, "jwks_uri": [] })),
    ];
    let fakes = log_in_to_each(forms, |changes, ask, reply| match ask.path.as_str() {
        RESOURCE_METADATA => {
            let own: Value = serde_json::from_slice(&reply.body).unwrap();
            let origin = own["resource"].as_str().and_then(|url| url.strip_suffix("/mcp")).unwrap();
            reply.with(&changes(origin))
        }
        _ => reply,
    })
    .await;
    for (name, fake) in fakes {
        let asked = &fake.asked("/authorize")[0].parameters;
        let resource = if name == "resource-of-the-origin" { "" } else { "/mcp" };
        assert_eq!(asked["resource"], format!("{}{resource}", fake.mcp()), "{name}");
        assert_eq!(
            asked.get("scope").map(String::as_str),
            (name == "scopes-as-text").then_some("read write")
        );
    }
}

/// The list of authorization servers, and the document as a whole.
#[tokio::test]
async fn documents_are_read() {
    type Body = fn(Reply) -> Vec<u8>;
    let forms: [(_, Body); 6] = [
        ("mark", |reply| [b"\xef\xbb\xbf".to_vec(), reply.body].concat()),
        ("latin-1", |reply| {
            let named = String::from_utf8(reply.with(&json!({ "resource_name": "B" })).body).unwrap();
            named.bytes().map(|byte| if byte == b'B' { 0xfc } else { byte }).collect()
        }),
        ("list-of-one", |reply| [b"[".to_vec(), reply.body, b"]".to_vec()].concat()),
        ("server-as-text", |reply| servers(reply, |server| server)),
        ("servers-as-text", |reply| {
            servers(reply, |server| json!(format!("{} , ", server.as_str().unwrap())))
        }),
        ("servers-that-are-none", |reply| servers(reply, |server| json!([null, 5, "x y", {}, server]))),
    ];
    log_in_to_each(forms, |form, ask, reply| match ask.path.as_str() {
        RESOURCE_METADATA => Reply {
            body: form(Reply { status: 200, headers: Vec::new(), body: reply.body }),
            headers: vec![("Content-Type", "text/plain".into())],
            status: 200,
        },
        _ => reply,
    })
    .await;
}

fn servers(reply: Reply, form: fn(Value) -> Value) -> Vec<u8> {
    let document: Value = serde_json::from_slice(&reply.body).unwrap();
    let server = document["authorization_servers"][0].clone();
    reply.with(&json!({ "authorization_servers": form(server) })).body
}

#[tokio::test]
async fn metadata_of_another_resource_are_refused() {
    let fake = Fake::start(|ask, reply| match ask.path.as_str() {
        RESOURCE_METADATA => reply.with(&json!({ "resource": ["https://elsewhere.example/mcp"] })),
        _ => reply,
    })
    .await;
    let gateway = Gateway::config(&json!({ "guarded": fake.config(&json!({})) })).start().await;
    eventually("the state names the other", async || {
        let state = gateway.get("/status").await.json()["servers"][0].clone();
        assert_ne!(state["state"], "needs authorization", "{state}");
        state["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("https://elsewhere.example/mcp"))
            .then_some(())
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn metadata_of_the_authorization_server_are_read() {
    let forms = [
        (
            "lists-as-text",
            json!({ "code_challenge_methods_supported": "plain S256", "scopes_supported": "a,b", "token_endpoint_auth_methods_supported": "client_secret_post, none" }),
        ),
        ("list-as-one-text", json!({ "code_challenge_methods_supported": "S256" })),
        ("texts-as-lists", json!({ "grant_types_supported": 5, "service_documentation": ["x"] })),
        ("odd-revocation", json!({ "revocation_endpoint": "none" })),
        ("empty-revocation", json!({ "revocation_endpoint": "", "jwks_uri": {} })),
        (
            "flags-as-text",
            json!({ "client_id_metadata_document_supported": "false", "authorization_response_iss_parameter_supported": "false" }),
        ),
        ("odd-scopes", json!({ "scopes_supported": [null, ["x"], 5] })),
    ];
    log_in_to_each(forms, |changes, ask, reply| match ask.path.as_str() {
        SERVER_METADATA => reply.with(changes),
        _ => reply,
    })
    .await;
}

/// What cannot be used is told where it is missed.
#[tokio::test]
async fn an_endpoint_that_cannot_be_used_is_told() {
    let fake = Fake::start(|ask, reply| match ask.path.as_str() {
        SERVER_METADATA => reply.with(&json!({ "registration_endpoint": "register here" })),
        _ => reply,
    })
    .await;
    let gateway = Gateway::config(&json!({ "guarded": fake.config(&json!({})) })).start().await;
    eventually("the state names the endpoint", async || {
        let state = gateway.get("/status").await.json()["servers"][0]["reason"].clone();
        state
            .as_str()
            .is_some_and(|reason| reason.contains("its `registration_endpoint` is no URL"))
            .then_some(())
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn challenges_are_read() {
    let forms = [
        ("relative", r#"Bearer resource_metadata="/meta/prm.json""#),
        ("relative-to-the-path", r#"Bearer resource_metadata="meta/prm.json""#),
        ("relative-unquoted", "Bearer resource_metadata=/meta/prm.json, error=invalid_token"),
        ("single-quotes", "Bearer realm='a b', resource_metadata='URL'"),
        ("escaped-quotes", r#"Bearer resource_metadata=\"URL\", error=\"invalid_token\""#),
        ("unquoted", "Bearer resource_metadata=URL"),
        ("no-comma", r#"Bearer realm="x" error="invalid_token" resource_metadata="URL""#),
        ("semicolon", "Bearer error=invalid_token; resource_metadata=URL;"),
        ("case-and-spaces", "  BEARER   Resource_Metadata  =  \"URL\"  "),
        ("after-others", r#"Negotiate YWJj, Basic realm="x, y", Bearer resource_metadata="URL""#),
        ("before-others", r#"Bearer resource_metadata="URL", Digest nonce="n", Basic"#),
    ];
    let fakes = log_in_to_each(forms, |challenge, ask, reply| match reply.status {
        401 => {
            let url = |origin: &str| challenge.replace("URL", &format!("{origin}{UNUSUAL}"));
            let (_, value) = reply.headers.last().unwrap();
            let origin = value.split('"').nth(1).and_then(|url| url.strip_suffix(RESOURCE_METADATA)).unwrap();
            Reply {
                headers: vec![("WWW-Authenticate", "Basic".to_owned()), ("www-authenticate", url(origin))],
                ..reply
            }
        }
        // The document is at the unusual place alone.
        _ => match ask.path.as_str() {
            RESOURCE_METADATA => Reply::new(404, ""),
            _ => reply,
        },
    })
    .await;
    for (name, fake) in fakes {
        assert!(!fake.asked(UNUSUAL).is_empty(), "{name}");
    }
}

/// 403 in place of 401, however the challenge words it.
#[tokio::test]
async fn a_forbidden_token_is_no_token() {
    let forms = [
        ("bare", ""),
        ("with-metadata", "resource_metadata=\"URL\""),
        ("invalid-token", "error=\"invalid_token\", error_description=\"expired\""),
        ("odd-case", "ERROR='Invalid_Token'"),
    ];
    let fakes = log_in_to_each(forms, |challenge, _, mut reply| {
        if reply.status == 401 {
            let (_, value) = reply.headers.pop().unwrap();
            let url = value.split('"').nth(1).unwrap();
            reply.headers.push(("WWW-Authenticate", format!("Bearer {}", challenge.replace("URL", url))));
            reply.status = 403;
        }
        reply
    })
    .await;
    for (name, fake) in fakes {
        assert_eq!(fake.asked("/token").len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_forbidden_token_is_renewed() {
    let fake = Fake::start(|_, mut reply| {
        if reply.status == 401 {
            reply.status = 403;
            for (name, value) in &mut reply.headers {
                if *name == "WWW-Authenticate" {
                    value.push_str(", error=\"invalid_token\"");
                }
            }
        }
        reply
    })
    .await;
    let gateway = Gateway::config(&json!({ "guarded": fake.config(&json!({})) })).start().await;
    log_in(&gateway).await;
    for _ in 0..2 {
        fake.revoke_access();
        echoes(&gateway, "renewed").await;
    }
    assert_eq!((fake.asked("/authorize").len(), fake.asked("/token").len()), (1, 3));
    gateway.stop().await;
}

/// What a good token may not do costs no login.
#[tokio::test]
async fn what_stays_forbidden_is_the_servers_answer() {
    let fake = Fake::start(|ask, mut reply| {
        if reply.status == 200 && ask.body.windows(5).any(|bytes| bytes == b"\"any\"") {
            reply = Reply::new(403, "{}");
            reply.headers.push(("WWW-Authenticate", "Bearer".to_owned()));
        }
        reply
    })
    .await;
    let gateway = Gateway::config(&json!({ "guarded": fake.config(&json!({})) })).start().await;
    log_in(&gateway).await;
    let answer = answered(&gateway).await;
    assert!(answer.error(502).contains("403"), "{answer:?}");
    echoes(&gateway, "still here").await;
    assert_eq!(
        (fake.asked("/authorize").len(), fake.asked("/token").len()),
        (1, 1),
        "it costs no token either"
    );
    gateway.stop().await;
}
