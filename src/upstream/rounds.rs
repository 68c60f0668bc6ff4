//! Calls that a server answers with requests of its own (MCP 2026-07-28, Multi Round-Trip Requests).
//!
//! Nobody sits behind a gateway who could be asked. Each request is answered as honestly as that allows, and the call
//! goes out once more with the answers.
//!
//! Invariant: a round is a request of its own, sent because the server has asked for it. What the server has said
//! stays with the call it was said to.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    connection::Caller,
    error::CallError,
    message::{Call, Meta, Params, Trust},
};

/// A server that always wants to know more is given up after so many rounds.
const MOST_ROUNDS: u32 = 8;

/// Calls a tool, in as many rounds as its server needs.
pub(super) async fn call(caller: &Caller, call: Call<'_>, trust: Trust) -> Result<Box<RawValue>, CallError> {
    let mut input = Input::default();
    for round in 0..=MOST_ROUNDS {
        let params = Params {
            name: Some(call.tool),
            arguments: Some(call.arguments),
            input_responses: input.responses.as_ref(),
            request_state: input.state.as_deref(),
            meta: Meta { trace: call.trace, forwarded: call.forwarded, ..Meta::default() },
            ..Params::default()
        };
        let reply = caller.request("tools/call", params, trust).await.map_err(|error| match error.into() {
            // The rounds before have reached the tool.
            CallError::NotSent(reason) if round > 0 => CallError::Lost(reason),
            error => error,
        });
        let result = reply?.map_err(CallError::Rpc)?;
        let required = if caller.stateless() { InputRequired::read(&result) } else { None };
        match required {
            None => return Ok(result),
            Some(required) => input = required.answer()?,
        }
    }
    Err(CallError::InputRequired(format!("input again after {MOST_ROUNDS} rounds")))
}

/// What a round brings that the one before did not.
#[derive(Default)]
struct Input {
    responses: Option<Map<String, Value>>,
    /// To the letter: it is the server's alone.
    state: Option<Box<RawValue>>,
}

/// `InputRequiredResult`, opened no deeper than needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputRequired<'a> {
    #[serde(borrow, default)]
    result_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input_requests: Option<BTreeMap<String, InputRequest<'a>>>,
    #[serde(borrow, default)]
    request_state: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct InputRequest<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
}

impl<'a> InputRequired<'a> {
    const TYPE: &'static str = "input_required";

    /// Nothing where `result` is another result, or one that cannot be read. It is parsed only where its text lets
    /// expect this one.
    fn read(result: &'a RawValue) -> Option<Self> {
        let text = result.get();
        let required: Self = text.contains(Self::TYPE).then(|| serde_json::from_str(text).ok()).flatten()?;
        (required.result_type.as_deref() == Some(Self::TYPE)).then_some(required)
    }

    /// Says for each request that nobody is there.
    fn answer(self) -> Result<Input, CallError> {
        if self.input_requests.is_none() && self.request_state.is_none() {
            return Err(CallError::InputRequired("input and does not say which".into()));
        }
        let responses: Option<Result<_, CallError>> = self.input_requests.map(|requests| {
            requests.into_iter().map(|(key, request)| Ok((key, request.answer()?))).collect()
        });
        Ok(Input { responses: responses.transpose()?, state: self.request_state.map(ToOwned::to_owned) })
    }
}

impl InputRequest<'_> {
    fn answer(&self) -> Result<Value, CallError> {
        match &*self.method {
            // Neither accepted nor declined: nobody has made a choice.
            "elicitation/create" => Ok(json!({ "action": "cancel" })),
            "roots/list" => Ok(json!({ "roots": [] })),
            method => Err(CallError::InputRequired(format!("`{method}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Result<(Value, Option<String>), String>> {
        let result: Box<RawValue> = serde_json::from_str(text).unwrap();
        let answer = InputRequired::read(&result)?.answer();
        Some(
            answer
                .map_err(|error| error.to_string())
                .map(|input| (json!(input.responses), input.state.map(|state| state.get().to_owned()))),
        )
    }

    #[test]
    fn only_what_asks_for_input_is_answered() {
        for other in [
            r#"{"content":[]}"#,
            r#"{"content":[{"type":"text","text":"input_required"}]}"#,
            r#"{"resultType":"complete","content":[],"requestState":"input_required"}"#,
            r#"{"resultType":"input_required","inputRequests":7}"#,
        ] {
            assert!(read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn the_state_goes_back_to_the_letter() {
        let answer = read(r#"{"requestState":"\u00e9\/ {\"a\":1}","resultType":"input_required"}"#);
        assert_eq!(answer, Some(Ok((Value::Null, Some(r#""\u00e9\/ {\"a\":1}""#.to_owned())))));
    }

    #[test]
    fn each_request_has_its_answer() {
        let answer = read(
            r#"{"resultType":"input_required","inputRequests":{
                "b":{"method":"elicitation/create","params":{"message":"?"}},"a":{"method":"roots/list"}}}"#,
        );
        let responses = json!({ "a": { "roots": [] }, "b": { "action": "cancel" } });
        assert_eq!(answer, Some(Ok((responses, None))));
    }

    #[test]
    fn what_cannot_be_answered_is_named() {
        for (asked, what) in [
            (r#""inputRequests":{"a":{"method":"sampling/createMessage"}}"#, "`sampling/createMessage`"),
            (r#""inputRequests":null"#, "input and does not say which"),
        ] {
            let answer = read(&format!(r#"{{"resultType":"input_required",{asked}}}"#));
            assert_eq!(answer, Some(Err(format!("the tool asks for {what}, and nobody is here to answer"))));
        }
    }
}
