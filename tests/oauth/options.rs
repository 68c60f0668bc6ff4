//! What operators say of an authorization server in the `oauth` block, each with and without.

use serde_json::{Value, json};

use super::{
    fake::{Ask, Fake, RESOURCE_METADATA, Reply, SERVER_METADATA},
    fixture::{echoes, log_in, needs_login},
};
use crate::support::{Gateway, browser::Browser, eventually, launch::Launch};

fn guarded(fake: &Fake, oauth: &Value) -> Launch {
    Gateway::config(&json!({ "guarded": fake.config(oauth) }))
}

/// Gets a new token in place of one that has ended.
async fn refresh(fake: &Fake, gateway: &Gateway) {
    fake.revoke_access();
    echoes(gateway, "refreshed").await;
}

/// The requests for a login and for tokens, the last of each.
fn requests(fake: &Fake) -> [Ask; 3] {
    let tokens = |grant: &str| fake.asked("/token").into_iter().rfind(|ask| ask.is_grant(grant));
    [
        fake.asked("/authorize").pop().expect("a login"),
        tokens("authorization_code").expect("an exchange"),
        tokens("refresh_token").expect("a refresh"),
    ]
}

/// Entra ID and others refuse `resource` at either endpoint.
#[tokio::test]
async fn the_resource_can_be_left_out() {
    for (oauth, sent) in [
        (json!({}), true),
        (json!({ "resource_parameter": true }), true),
        (json!({ "resource_parameter": null }), true),
        (json!({ "resource_parameter": false }), false),
    ] {
        let fake = Fake::plain().await;
        let gateway = guarded(&fake, &oauth).start().await;
        log_in(&gateway).await;
        refresh(&fake, &gateway).await;
        let resource = format!("{}/mcp", fake.mcp());
        for ask in requests(&fake) {
            let asked = ask.parameters.get("resource");
            assert_eq!(asked, sent.then_some(&resource), "{oauth}: {ask:?}");
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_login_without_the_resource_works_where_it_is_refused() {
    let fake = Fake::start(|ask, reply| match ask.path.as_str() {
        "/authorize" | "/token" if ask.parameters.contains_key("resource") => {
            Reply::new(400, r#"{"error":"invalid_target"}"#)
        }
        _ => reply,
    })
    .await;
    let gateway = guarded(&fake, &json!({})).start().await;
    let page = Browser::new().open(&needs_login(&gateway).await).await;
    assert_eq!(page.status, 400, "{page:?}");
    gateway.stop().await;
    let gateway = guarded(&fake, &json!({ "resource_parameter": false })).start().await;
    log_in(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn pkce_can_be_vouched_for() {
    for (listed, assume, works) in [
        (json!(null), json!(null), false),
        (json!(null), json!(false), false),
        (json!(null), json!(true), true),
        (json!([]), json!(true), true),
        (json!(["plain"]), json!(false), false),
        (json!(["plain"]), json!(true), true),
        (json!(["S256"]), json!(false), true),
    ] {
        let methods = listed.clone();
        let fake = Fake::start(move |ask, reply| match ask.path.as_str() {
            SERVER_METADATA => reply.with(&json!({ "code_challenge_methods_supported": methods })),
            _ => reply,
        })
        .await;
        let gateway = guarded(&fake, &json!({ "assume_pkce": assume })).start().await;
        if works {
            log_in(&gateway).await;
            let asked = &fake.asked("/authorize")[0].parameters;
            assert_eq!(asked["code_challenge_method"], "S256", "{listed} {assume}");
        } else {
            eventually("the state says how to vouch for it", async || {
                let reason = gateway.get("/status").await.json()["servers"][0]["reason"].clone();
                reason.as_str().is_some_and(|reason| reason.contains("\"assume_pkce\": true")).then_some(())
            })
            .await;
            assert!(fake.asked("/authorize").is_empty() && fake.asked("/register").is_empty());
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn parameters_can_be_added() {
    let oauth = json!({
        "client_metadata": { "scope": "read offline_access" },
        "authorization_params": {
            "access_type": "offline", "prompt": "select_account", "max_age": 60, "display": null, "hd": "",
            "include_granted_scopes": true, "a.b-c_d": "\u{e9} &=",
        },
        "token_params": { "audience": "https://api.example/?a=b", "n": 1 },
    });
    for (oauth, added) in [(oauth, true), (json!({ "authorization_params": {}, "token_params": {} }), false)]
    {
        let fake = Fake::plain().await;
        let gateway = guarded(&fake, &oauth).start().await;
        log_in(&gateway).await;
        refresh(&fake, &gateway).await;
        let [login, exchange, refresh] = requests(&fake);
        for (name, value) in [
            ("access_type", "offline"),
            ("prompt", "select_account"),
            ("max_age", "60"),
            ("include_granted_scopes", "true"),
            ("a.b-c_d", "\u{e9} &="),
        ] {
            assert_eq!(login.parameters.get(name).map(String::as_str), added.then_some(value), "{name}");
            assert!(!exchange.parameters.contains_key(name) && !refresh.parameters.contains_key(name));
        }
        assert!(!login.parameters.contains_key("display") && !login.parameters.contains_key("hd"));
        for (name, value) in [("audience", "https://api.example/?a=b"), ("n", "1")] {
            for ask in [&exchange, &refresh] {
                assert_eq!(ask.parameters.get(name).map(String::as_str), added.then_some(value), "{ask:?}");
            }
            assert!(!login.parameters.contains_key(name));
        }
        gateway.stop().await;
    }
}

/// Also where mcpo acts for itself.
#[tokio::test]
async fn parameters_can_be_added_without_a_person() {
    let machine = json!({ "grant_type": "client_credentials", "client_id": "me", "client_secret": "s3cret" });
    for added in [true, false] {
        let mut oauth = machine.clone();
        if added {
            oauth["token_params"] = json!({ "audience": "api" });
            oauth["resource_parameter"] = json!(false);
        }
        let fake = Fake::plain().await;
        guarded(&fake, &oauth).ready().await.stop().await;
        let asked = &fake.asked("/token")[0].parameters;
        assert_eq!(asked.contains_key("audience"), added, "{asked:?}");
        assert_eq!(asked.contains_key("resource"), !added, "{asked:?}");
    }
}

/// An MCP server that names the authorization server of another.
async fn naming(other: &Fake) -> Fake {
    let elsewhere = other.issuer().to_owned();
    Fake::start(move |ask, reply| match ask.path.as_str() {
        RESOURCE_METADATA => reply.with(&json!({ "authorization_servers": [elsewhere] })),
        _ => reply,
    })
    .await
}

/// With `server_url` the login is there, though the MCP server names another, which is told once.
#[tokio::test]
async fn the_authorization_server_can_be_pinned() {
    let other = Fake::plain().await;
    let fake = naming(&other).await;
    let gateway = guarded(&fake, &json!({ "server_url": fake.issuer() })).start().await;
    for _ in 0..3 {
        log_in(&gateway).await;
        refresh(&fake, &gateway).await;
        fake.revoke();
    }
    needs_login(&gateway).await;
    assert!(other.asked("/authorize").is_empty() && other.asked(SERVER_METADATA).is_empty());
    let log = gateway.stop().await;
    let told: Vec<_> =
        log.lines().filter(|line| line.contains("names another authorization server")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains(other.issuer()) && told[0].contains(fake.issuer()), "{told:?}");
}

/// Without it, or where it is the MCP server itself as in the Python mcpo's configs, what that one names counts.
#[tokio::test]
async fn the_authorization_server_is_the_one_that_is_named() {
    let other = Fake::plain().await;
    let fake = naming(&other).await;
    let mcp = fake.mcp();
    for oauth in [json!({}), json!({ "server_url": mcp }), json!({ "server_url": format!("{mcp}/mcp") })] {
        let gateway = guarded(&fake, &oauth).start().await;
        let url = needs_login(&gateway).await;
        let stopped = Browser::new().follow(&url, |url| url.path() == "/authorize").await.unwrap_err();
        assert_eq!(stopped.origin().ascii_serialization(), other.issuer(), "{oauth}");
        assert!(!gateway.stop().await.contains("names another authorization server"));
    }
}

/// One that names the pinned server itself needs no warning; one that cannot be had is not replaced.
#[tokio::test]
async fn a_pinned_server_is_no_guess() {
    let fake = Fake::plain().await;
    let gateway = guarded(&fake, &json!({ "server_url": format!("{}/", fake.issuer()) })).start().await;
    log_in(&gateway).await;
    assert!(!gateway.stop().await.contains("names another authorization server"));

    let gateway = guarded(&fake, &json!({ "server_url": "http://127.0.0.1:1/tenant" })).start().await;
    eventually("the state names the pinned server", async || {
        let state = gateway.get("/status").await.json()["servers"][0].clone();
        assert_ne!(state["state"], "needs authorization", "{state}");
        state["reason"].as_str().is_some_and(|reason| reason.contains("http://127.0.0.1:1")).then_some(())
    })
    .await;
    gateway.stop().await;
}
