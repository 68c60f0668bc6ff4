//! What answers a request: its id, and a result or an error (JSON-RPC 2.0 section 5).

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    held::Hold,
    upstream::protocol::excerpt::{error_data, error_words},
};

/// rmcp numbers its own requests from 0 in 32 bits. Ours start high enough never to meet them, and low
/// enough for servers that read an id as a signed 32-bit number.
pub(crate) const FIRST_ID: u64 = 1_000_000_000;

/// What an upstream answered: the `result` as it came, or its error.
pub type RawReply = Result<RawResult, RpcError>;

/// A result as it came. It counts as held for as long as it exists.
#[derive(Debug)]
pub struct RawResult {
    json: Box<RawValue>,
    hold: Hold,
}

impl RawResult {
    /// Copies a result out of its message.
    pub(crate) fn copy(json: &RawValue) -> Self {
        Self { json: json.to_owned(), hold: Hold::copy(json.get().len()) }
    }

    /// The result.
    pub fn json(&self) -> &RawValue {
        &self.json
    }

    /// The result, and what counts it.
    pub fn into_parts(self) -> (Box<RawValue>, Hold) {
        (self.json, self.hold)
    }
}

/// A JSON-RPC error object (JSON-RPC 2.0 section 5.1).
#[derive(Debug)]
pub struct RpcError {
    /// The error's kind.
    pub code: i64,
    /// One sentence.
    pub message: String,
    /// Anything more.
    pub data: Option<Box<RawValue>>,
}

impl RpcError {
    /// Reads an error in any form, since a caller waits for it. It may repeat what it was sent, so secrets are redacted.
    pub(crate) fn read(raw: &RawValue) -> Self {
        #[derive(Deserialize, Default)]
        struct Lenient<'a> {
            #[serde(default)]
            code: Value,
            #[serde(default)]
            message: Value,
            #[serde(borrow, default)]
            data: Option<&'a RawValue>,
        }
        // Some servers send the message alone.
        let error: Lenient<'_> = serde_json::from_str(raw.get()).unwrap_or_else(|_| Lenient {
            message: serde_json::from_str(raw.get()).unwrap_or_default(),
            ..Lenient::default()
        });
        let message = match error.message {
            Value::String(message) => message,
            Value::Null => "the server answered with an error and did not say which".to_owned(),
            other => other.to_string(),
        };
        let code = match &error.code {
            Value::String(code) => code.parse().ok(),
            code => code.as_i64().or_else(|| code.as_f64().map(|code| code as i64)),
        };
        let data = error.data.and_then(error_data);
        Self { code: code.unwrap_or_default(), message: error_words(&message), data }
    }
}
