//! `tools/call`, in as many rounds as its server needs (MCP 2026-07-28, Multi Round-Trip Requests).
//!
//! Invariant: a round is a request of its own, sent because the server has asked for it. What the server has said
//! stays with the call it was said to.

use super::handle::ConnectionHandle;
use crate::upstream::protocol::{
    error::CallError,
    input_required::{Input, InputRequired},
    json_rpc::reply::RawResult,
    request::{Call, Meta, Params, Trust},
};

/// A server that always wants to know more is given up after so many rounds.
const MOST_ROUNDS: u32 = 8;

/// Calls a tool, in as many rounds as its server needs.
pub(crate) async fn call(
    handle: &ConnectionHandle,
    call: Call<'_>,
    trust: Trust,
) -> Result<RawResult, CallError> {
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
        let reply = handle.request("tools/call", params, trust).await.map_err(|error| match error.into() {
            // The rounds before have reached the tool.
            CallError::NotSent(reason) if round > 0 => CallError::Lost(reason),
            error => error,
        });
        let result = reply?.map_err(CallError::Rpc)?;
        let required = if handle.stateless() { InputRequired::read(result.json()) } else { None };
        match required {
            None => return Ok(result),
            Some(required) => input = required.answer()?,
        }
    }
    Err(CallError::InputRequired(format!("input again after {MOST_ROUNDS} rounds")))
}
