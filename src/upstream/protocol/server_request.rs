//! What a server asks of its client. mcpo has nothing to offer but the answer to a ping, so it answers at once.
//!
//! Invariant: an answer is small, whatever the request was.

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::json_rpc::{
    frame::Frame,
    raw_message::{self, RawMessage},
};

/// A longer id is no id, in bytes: it would come back in the answer.
const LONGEST_ID: usize = 1 << 10;

/// The answer to a request of the server's, with its id to the letter; `None` if its id cannot be one.
pub(crate) fn answer(request: &RawMessage<'_>) -> Option<Frame> {
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum AnswerPayload {
        Result(Value),
        Error(Value),
    }
    #[derive(Serialize)]
    struct ServerAnswer<'a> {
        jsonrpc: &'static str,
        id: &'a RawValue,
        #[serde(flatten)]
        outcome: AnswerPayload,
    }
    let id = request.id.filter(|id| id.get().len() <= LONGEST_ID && !id.get().starts_with(['{', '[']))?;
    let method = request.method.filter(|method| method.get().len() <= LONGEST_ID);
    let outcome = match raw_message::value(method).as_str() {
        Some("ping") => AnswerPayload::Result(json!({})),
        Some("elicitation/create") => AnswerPayload::Result(json!({ "action": "decline" })),
        _ => AnswerPayload::Error(json!({ "code": -32601, "message": "mcpo offers no client capabilities" })),
    };
    // What was read can be written.
    Frame::new(&ServerAnswer { jsonrpc: "2.0", id, outcome }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> Option<String> {
        let body = answer(&RawMessage::open(text).unwrap())?.into_body();
        Some(String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn what_a_server_asks_keeps_its_id() {
        for (text, id) in [
            (r#"{"jsonrpc":"2.0","id":7.0,"method":"ping","params":[]}"#, "7.0"),
            (r#"{"jsonrpc":"2.0","id":"7","method":"ping","params":null}"#, r#""7""#),
            (r#"{"id":"a\u2028b","method":"ping"}"#, r#""a\u2028b""#),
        ] {
            assert_eq!(answered(text).unwrap(), format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
        }
    }

    #[test]
    fn what_a_gateway_cannot_give_is_refused() {
        for method in ["sampling/createMessage", "roots/list", "\\u0000", &"x".repeat(1 << 20)] {
            let answer =
                answered(&format!(r#"{{"id":1,"method":"{method}","params":{{"odd":1}}}}"#)).unwrap();
            assert!(answer.contains("-32601") && answer.len() < 200, "{answer}");
        }
        let declined = answered(r#"{"id":1,"method":"elicitation/create","params":{}}"#).unwrap();
        assert!(declined.contains(r#""action":"decline""#), "{declined}");
    }

    #[test]
    fn what_is_no_id_gets_no_answer() {
        for id in ["{}", "[1]", &format!("\"{}\"", "x".repeat(1 << 20))] {
            assert_eq!(answered(&format!(r#"{{"id":{id},"method":"ping"}}"#)), None);
        }
    }
}
