//! Callers' tokens, from a real issuer.

mod discovery;
pub(crate) mod forged;
mod grants;
pub(crate) mod issuer;
mod load;
mod rotation;

use serde_json::{Value, json};

use self::issuer::Issuer;
use crate::support::{Answer, Gateway, launch::Launch, parts};

const AUDIENCE: &str = "https://mcpo.example.com";
/// A key beside the tokens.
const KEY: &str = "open-sesame";

const READS: &str =
    r#"{"name": "read", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}}"#;
const WRITES: &str = r#"{"name": "write", "inputSchema": {"type": "object"}}"#;

/// A gateway that takes this issuer's tokens, with more to say of them, and a key.
fn launch(issuer: &Issuer, more: &Value) -> Launch {
    let fake = parts::fake(&["--tool", READS, "--tool", WRITES]);
    Gateway::config(&json!({ "notes": fake, "mail": fake }))
        .access(&access(issuer, more), KEY)
        .options(["--api-key", KEY])
}

fn access(issuer: &Issuer, more: &Value) -> Value {
    let mut jwt = json!({ "issuer": issuer.identifier(), "audience": AUDIENCE });
    jwt.as_object_mut().unwrap().extend(more.as_object().expect("members").clone());
    json!({ "jwt": jwt })
}

/// Calls a tool with a token, or with a key.
async fn call(gateway: &Gateway, path: &str, credential: &str) -> Answer {
    gateway.send(gateway.request(reqwest::Method::POST, path).bearer_auth(credential).json(&json!({}))).await
}

async fn get(gateway: &Gateway, path: &str, credential: &str) -> Answer {
    gateway.send(gateway.request(reqwest::Method::GET, path).bearer_auth(credential)).await
}
