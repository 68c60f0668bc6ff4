//! What a server asks back in place of a result (MCP 2026-07-28, Multi Round-Trip Requests), and what is answered.
//!
//! A gateway has no person to ask. Each request is answered as honestly as that allows.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::error::CallError;

/// What a round brings that the one before did not.
#[derive(Default)]
pub(crate) struct Input {
    pub(crate) responses: Option<Map<String, Value>>,
    /// To the letter: it is the server's alone.
    pub(crate) state: Option<Box<RawValue>>,
}

/// `InputRequiredResult`, opened no deeper than needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InputRequired<'a> {
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

    /// `None` if `result` is another result, or one that cannot be read. It is parsed only if its text names this type.
    pub(crate) fn read(result: &'a RawValue) -> Option<Self> {
        let text = result.get();
        let required: Self = text.contains(Self::TYPE).then(|| serde_json::from_str(text).ok()).flatten()?;
        (required.result_type.as_deref() == Some(Self::TYPE)).then_some(required)
    }

    /// Answers each request as a client without a person.
    pub(crate) fn answer(self) -> Result<Input, CallError> {
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
            // Neither accepted nor declined: no choice was made.
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
