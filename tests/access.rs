//! Who may call what: named keys and their limits, rates, the record of calls.

mod audit;
mod bypass;
mod environment;
mod keys;
mod rates;
mod table;
mod timing;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Gateway};

/// Asks with this bearer credential.
async fn ask(gateway: &Gateway, method: Method, path: &str, key: &str) -> Answer {
    gateway.send(gateway.request(method, path).bearer_auth(key)).await
}

/// Calls a tool with this bearer credential.
async fn call(gateway: &Gateway, path: &str, key: &str) -> Answer {
    gateway.send(gateway.request(Method::POST, path).bearer_auth(key).json(&json!({}))).await
}

/// The tools that a document shows.
fn tools(document: &Value) -> Vec<&str> {
    document["paths"].as_object().expect("paths").keys().map(String::as_str).collect()
}
