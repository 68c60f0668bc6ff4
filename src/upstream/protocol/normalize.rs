//! Messages for rmcp, whose types are strict: what servers leave out, or spell in another way, is put right first.
//!
//! A handshake keeps only what mcpo uses: the protocol version, whether the server announces changes of its tools, and
//! its name, version and instructions.

use rmcp::model::{ErrorCode, ErrorData, ProtocolVersion, RequestId, ServerJsonRpcMessage};
use serde_json::{Map, Value, json};

use super::{
    excerpt::Excerpt,
    json_rpc::{
        raw_message::{self, RawMessage},
        reply::RpcError,
    },
};
use crate::bounds::Bound;

/// In place of an answer that cannot be read; its message says why. None of JSON-RPC's, nor of MCP's.
pub(crate) const UNREADABLE: ErrorCode = ErrorCode(-32_098);

/// The only version that `server/discover` is asked for.
pub(crate) const STATELESS: ProtocolVersion = ProtocolVersion::V_2026_07_28;

/// The largest answer in a handshake, in bytes. As values they take up many times their size.
const LARGEST: usize = 1 << 20;
/// The largest notification, likewise.
const LARGEST_NOTIFICATION: usize = 16 << 10;

/// What a notification of the server's is for. mcpo heeds changes of the tools (MCP 2025-11-25, Tools, List Changed
/// Notification), and rmcp what belongs to a subscription; nobody heeds any other.
#[derive(Default)]
pub(crate) struct Notice {
    pub(crate) tools_changed: bool,
    pub(crate) for_rmcp: Option<ServerJsonRpcMessage>,
}

/// Reads a notification.
pub(crate) fn notice(raw_message: &RawMessage<'_>) -> Notice {
    let method = raw_message::value(raw_message.method.filter(|method| method.get().len() < 64));
    let Some(name) = method.as_str() else { return Notice::default() };
    let tools_changed = name == "notifications/tools/list_changed";
    let params = raw_message.params.filter(|params| params.get().len() <= LARGEST_NOTIFICATION);
    let subscription = matches!(name, "notifications/subscriptions/acknowledged" | "notifications/cancelled")
        || (tools_changed && params.is_some());
    let for_rmcp = subscription.then(|| {
        let params = raw_message::value(params);
        json!({ "jsonrpc": "2.0", "method": name, "params": object(params) })
    });
    Notice { tools_changed, for_rmcp: for_rmcp.and_then(|message| serde_json::from_value(message).ok()) }
}

/// The answer to rmcp's request `id` of this method.
pub(crate) fn answer(id: RequestId, method: &str, raw_message: &RawMessage<'_>) -> ServerJsonRpcMessage {
    let size =
        [raw_message.result, raw_message.error].iter().flatten().map(|part| part.get().len()).sum::<usize>();
    if size > LARGEST {
        Bound::Handshake.hit();
        let reason =
            format!("the server's answer to `{method}` has {size} bytes; at most {LARGEST} are taken");
        return failure(id, ErrorData::new(UNREADABLE, reason, None));
    }
    if let Some(error) = raw_message.error {
        let error = error_data(RpcError::read(error));
        let legacy = method == DISCOVER && !supports_stateless(error.data.as_ref(), &error);
        return failure(id, if legacy { not_stateless() } else { error });
    }
    let result = raw_message::value(raw_message.result);
    let result = match method {
        "initialize" => initialized(result).map_err(|reason| ErrorData::new(UNREADABLE, reason, None)),
        DISCOVER => discovered(result).ok_or_else(not_stateless),
        _ => Ok(result),
    };
    let unreadable = |error: serde_json::Error| {
        ErrorData::new(UNREADABLE, format!("the server's answer to `{method}` cannot be read: {error}"), None)
    };
    let message = result.and_then(|result| {
        let message = json!({ "jsonrpc": "2.0", "id": id, "result": result });
        serde_json::from_value(message).map_err(unreadable)
    });
    message.unwrap_or_else(|error| failure(id, error))
}

/// In place of an answer that does not come.
pub(crate) fn failure(id: RequestId, error: ErrorData) -> ServerJsonRpcMessage {
    ServerJsonRpcMessage::error(error, Some(id))
}

const DISCOVER: &str = "server/discover";

/// Tells rmcp to go on with `initialize` (MCP 2026-07-28, Backward Compatibility).
fn not_stateless() -> ErrorData {
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "the server is of an older generation", None)
}

/// Whether a refusal of `server/discover` leaves room for another try of it.
fn supports_stateless(data: Option<&Value>, error: &ErrorData) -> bool {
    error.code != ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
        || data.is_some_and(|data| lists(&data["supported"], STATELESS.as_str()))
}

fn error_data(error: RpcError) -> ErrorData {
    let code = ErrorCode(i32::try_from(error.code).unwrap_or_default());
    let data = error.data.map(|data| raw_message::value(Some(&data)));
    ErrorData::new(code, error.message, data)
}

/// `InitializeResult`, of which only the version is needed.
fn initialized(result: Value) -> Result<Value, String> {
    let mut result = object(result);
    let version = match result.remove("protocolVersion") {
        Some(Value::String(version)) if !version.is_empty() => version,
        None | Some(Value::Null) => {
            return Err("the server's answer to `initialize` has no `protocolVersion`".into());
        }
        Some(other) => {
            return Err(format!(
                "the `protocolVersion` in the server's answer to `initialize` is no version: {}",
                Excerpt(&other.to_string())
            ));
        }
    };
    let mut tidied = json!({
        "protocolVersion": version,
        "capabilities": capabilities(result.remove("capabilities")),
        "serverInfo": server_info(result.remove("serverInfo")),
    });
    add_instructions(&mut tidied, result.remove("instructions"));
    Ok(tidied)
}

/// `DiscoverResult`; `None` if the server does not speak the stateless generation, or has answered something else.
fn discovered(result: Value) -> Option<Value> {
    const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
    let mut result = object(result);
    let supports = lists(result.get("supportedVersions")?, STATELESS.as_str());
    let info = object(result.remove("_meta").unwrap_or_default()).remove(SERVER_INFO);
    let mut tidied = json!({
        "resultType": "complete",
        "supportedVersions": [STATELESS],
        "capabilities": capabilities(result.remove("capabilities")),
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": { SERVER_INFO: server_info(info) },
    });
    add_instructions(&mut tidied, result.remove("instructions"));
    supports.then_some(tidied)
}

fn lists(list: &Value, wanted: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|item| item == wanted))
}

fn capabilities(capabilities: Option<Value>) -> Value {
    match object(capabilities.unwrap_or_default()).remove("tools") {
        None | Some(Value::Null | Value::Bool(false)) => json!({}),
        Some(tools) => {
            let told = object(tools).remove("listChanged");
            let told = told.is_some_and(|told| told == true || told == "true");
            json!({ "tools": { "listChanged": told } })
        }
    }
}

/// `Implementation`; what is absent is empty.
fn server_info(info: Option<Value>) -> Value {
    let mut info = object(info.unwrap_or_default());
    let mut member = |name| scalar(info.remove(name)).unwrap_or_default();
    json!({ "name": member("name"), "version": member("version") })
}

fn add_instructions(result: &mut Value, instructions: Option<Value>) {
    let instructions = match instructions {
        Some(Value::Array(lines)) => {
            let lines: Vec<_> = lines.into_iter().filter_map(|line| scalar(Some(line))).collect();
            Some(lines.join("\n"))
        }
        other => scalar(other),
    };
    if let Some(instructions) = instructions {
        result["instructions"] = instructions.into();
    }
}

/// Text, which some servers write as a number.
fn scalar(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An object. Anything else stands for an empty one: PHP writes `[]`, others `true` or nothing.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{JsonRpcMessage, NumberOrString, ServerResult};

    use super::*;

    fn answer_to(method: &str, text: &str) -> ServerJsonRpcMessage {
        answer(NumberOrString::Number(0), method, &RawMessage::open(text).unwrap())
    }

    #[test]
    fn a_handshake_needs_a_version_and_nothing_else() {
        for rest in [
            "",
            r#","capabilities":[],"serverInfo":null,"instructions":null"#,
            r#","capabilities":{"tools":true,"logging":true,"experimental":[]},"serverInfo":{"name":"f"}"#,
            r#","capabilities":{"tools":{"listChanged":"true"}},"serverInfo":{"name":1,"version":1.5},"_meta":[]"#,
        ] {
            let text =
                format!(r#"{{"result":{{"protocolVersion":"2025-06-18"{rest}}},"id":0,"error":null}}"#);
            let JsonRpcMessage::Response(response) = answer_to("initialize", &text) else { panic!("{text}") };
            assert!(matches!(response.result, ServerResult::InitializeResult(_)), "{text}");
        }
    }

    #[test]
    fn a_handshake_that_cannot_be_read_names_the_member() {
        for result in [
            r#"{"capabilities":{}}"#,
            "{}",
            "[]",
            "null",
            r#"{"protocolVersion":2025}"#,
            r#"{"protocolVersion":null}"#,
        ] {
            let JsonRpcMessage::Error(error) =
                answer_to("initialize", &format!(r#"{{"id":0,"result":{result}}}"#))
            else {
                panic!("{result}")
            };
            assert_eq!(error.error.code, UNREADABLE);
            assert!(error.error.message.contains("`protocolVersion`"), "{}", error.error.message);
        }
    }

    #[test]
    fn a_server_that_is_not_stateless_is_initialized() {
        for answer in [
            r#""result":{}"#,
            r#""result":null"#,
            r#""result":{"supportedVersions":["2025-11-25"],"capabilities":{}}"#,
            r#""error":{"code":-32022,"message":"?","data":{"supported":["2025-11-25"]}}"#,
            r#""error":{"code":-32022,"message":"?"}"#,
        ] {
            let JsonRpcMessage::Error(error) = answer_to(DISCOVER, &format!(r#"{{"id":0,{answer}}}"#)) else {
                panic!("{answer}")
            };
            assert_eq!(error.error.code, ErrorCode::METHOD_NOT_FOUND, "{answer}");
        }
        let stateless = r#"{"id":0,"result":{"supportedVersions":["2026-07-28"],"capabilities":null}}"#;
        let JsonRpcMessage::Response(response) = answer_to(DISCOVER, stateless) else {
            panic!("{stateless}")
        };
        assert!(matches!(response.result, ServerResult::DiscoverResult(_)));
    }

    #[test]
    fn a_handshake_is_bounded() {
        for member in ["result", "error"] {
            let text = format!(r#"{{"id":0,"{member}":{{"message":"{}"}}}}"#, "x".repeat(LARGEST));
            let JsonRpcMessage::Error(error) = answer_to("initialize", &text) else { panic!("{member}") };
            assert!(error.error.message.contains("bytes"), "{}", error.error.message);
        }
    }

    #[test]
    fn rmcp_gets_what_belongs_to_a_subscription() {
        let handed = |text: &str| notice(&RawMessage::open(text).unwrap()).for_rmcp.is_some();
        for (method, params, expected) in [
            ("notifications/tools/list_changed", r#"{"_meta":{}}"#, true),
            ("notifications/subscriptions/acknowledged", r#"{"notifications":{}}"#, true),
            ("notifications/cancelled", r#"{"requestId":3}"#, true),
            ("notifications/tools/list_changed", "null", false),
            ("notifications/message", r#"{"level":"info","data":"x"}"#, false),
            ("notifications/progress", r#"{"progressToken":1,"progress":1}"#, false),
            ("x", "{}", false),
        ] {
            assert_eq!(
                handed(&format!(r#"{{"method":"{method}","params":{params}}}"#)),
                expected,
                "{method}"
            );
        }
    }
}
