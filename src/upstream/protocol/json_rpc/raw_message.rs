//! Opens what a server sends: far enough to see what it is and whose, and as leniently as other clients do.
//!
//! A member that is missing, `null`, repeated or spelled in another way costs no message. Its payload is not parsed.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::{
    bounded_list::BoundedList,
    reply::{RawReply, RawResult, RpcError},
    well_formed::well_formed,
};

/// The text of what came over the wire: without byte order marks, and valid. What is not UTF-8, and half of a surrogate
/// pair, becomes U+FFFD.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let mut bytes = bytes.trim_ascii();
    while let Some(rest) = bytes.strip_prefix(MARK) {
        bytes = rest.trim_ascii_start();
    }
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => well_formed(text),
        Cow::Owned(text) => match well_formed(&text) {
            Cow::Borrowed(_) => text.into(),
            Cow::Owned(mended) => mended.into(),
        },
    }
}

/// How many messages of one list are taken. No list has a reason to be longer: mcpo sends none.
pub(crate) const LONGEST_BATCH: usize = 1024;

/// Gives `take` each message of a text: the one that it is, or those of a list (a batch, which 2025-03-26 allows), up to
/// [`LONGEST_BATCH`].
pub(crate) fn each<'a>(text: &'a str, mut take: impl FnMut(&'a str)) {
    match text.starts_with('[').then(|| serde_json::from_str::<BoundedList<'_, LONGEST_BATCH>>(text)) {
        Some(Ok(batch)) => batch.items.iter().for_each(|message| take(message.get())),
        _ => take(text),
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Notification,
    /// A response, in JSON-RPC's words: a result or an error.
    Answer,
    /// JSON, but none of JSON-RPC's: a line of a log, as a rule.
    Noise,
}

/// A message's members. A `null` is an absent one, but for `result`: some servers answer with it.
#[derive(Debug, Default)]
pub(crate) struct RawMessage<'a> {
    pub(crate) id: Option<&'a RawValue>,
    pub(crate) method: Option<&'a RawValue>,
    pub(crate) params: Option<&'a RawValue>,
    pub(crate) result: Option<&'a RawValue>,
    pub(crate) error: Option<&'a RawValue>,
    says_json_rpc: bool,
    /// Whether there are members that JSON-RPC does not know.
    has_others: bool,
}

impl<'a> RawMessage<'a> {
    /// Opens one message.
    ///
    /// # Errors
    ///
    /// What is wrong with a text that is not a JSON object.
    pub(crate) fn open(text: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    pub(crate) fn kind(&self) -> Kind {
        // Many servers leave `jsonrpc` out, and many log JSON with an `id`.
        let foreign = self.has_others && !self.says_json_rpc;
        let result = self.result.filter(|result| self.method.is_none() || result.get() != "null");
        let answers = self.error.is_some() || result.is_some();
        let is_object = |value: Option<&RawValue>| value.is_some_and(|value| value.get().starts_with('{'));
        match (&self.method, &self.id) {
            _ if foreign && !is_object(result) && !is_object(self.error) => Kind::Noise,
            _ if answers => Kind::Answer,
            (Some(_), Some(_)) => Kind::Request,
            (Some(_), None) => Kind::Notification,
            // A `result` of JavaScript's `undefined` is left out.
            (None, Some(_)) if self.says_json_rpc => Kind::Answer,
            _ => Kind::Noise,
        }
    }

    /// The id, if it is a whole number: `7`, `7.0`, `7e0` and `"7"` are the same to the servers that write them.
    pub(crate) fn number(&self) -> Option<i64> {
        let id = self.id?.get();
        let unquoted: Option<Cow<'_, str>> =
            id.starts_with('"').then(|| serde_json::from_str(id).ok()).flatten();
        let id = unquoted.as_deref().unwrap_or(id).trim();
        id.parse().ok().or_else(|| {
            const EXACT: f64 = (1_u64 << 53) as f64;
            let number: f64 = id.parse().ok()?;
            (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
        })
    }
}

impl RawMessage<'_> {
    /// What an answer says.
    pub(crate) fn reply(&self) -> RawReply {
        match self.error {
            Some(error) => Err(RpcError::read(error)),
            None => Ok(RawResult::copy(self.result.unwrap_or(RawValue::NULL))),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawMessage<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier, rename_all = "lowercase")]
        enum Member {
            JsonRpc,
            Id,
            Method,
            Params,
            Result,
            Error,
            #[serde(other)]
            Other,
        }
        struct MessageVisitor;
        impl<'de> Visitor<'de> for MessageVisitor {
            type Value = RawMessage<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a JSON-RPC message")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self::Value, M::Error> {
                let mut raw_message = RawMessage::default();
                while let Some(member) = members.next_key()? {
                    let value: &RawValue = members.next_value()?;
                    let present = (value.get() != "null").then_some(value);
                    match member {
                        Member::JsonRpc => raw_message.says_json_rpc = present.is_some(),
                        Member::Id => raw_message.id = present,
                        Member::Method => {
                            raw_message.method = present.filter(|name| name.get().starts_with('"'));
                        }
                        Member::Params => raw_message.params = present,
                        Member::Result => raw_message.result = Some(value),
                        Member::Error => raw_message.error = present,
                        Member::Other => raw_message.has_others = true,
                    }
                }
                // Some servers write that there is none in words of their own.
                let says_none =
                    |error: &&RawValue| matches!(error.get(), "false" | "\"\"" | "[]" | "{}" | "0");
                if raw_message.result.is_some_and(|result| result.get() != "null") {
                    raw_message.error = raw_message.error.filter(|error| !says_none(error));
                }
                Ok(raw_message)
            }
        }
        deserializer.deserialize_map(MessageVisitor)
    }
}

/// A payload as a value; `Null` if it is absent or cannot be read.
pub(crate) fn value(raw: Option<&RawValue>) -> Value {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// The ids of a text that cannot be read as a whole: every `"id": N` that is a member of the outermost object, as far as
/// its brackets tell. Only the first few: a message has one.
pub(crate) fn find_ids(text: &str) -> Vec<i64> {
    const MOST: usize = 16;
    let mut ids = Vec::new();
    let (mut depth, mut rest) = (0_usize, text);
    while ids.len() < MOST
        && let Some(position) = rest.find(['"', '{', '[', '}', ']'])
    {
        let found = &rest[position..];
        rest = &found[1..];
        match found.as_bytes()[0] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {
                let end = end_of_string(rest);
                let is_id = depth == 1 && &rest[..end] == "id";
                rest = rest[end..].strip_prefix('"').unwrap_or_default();
                ids.extend(is_id.then(|| leading_id(rest)).flatten());
            }
        }
    }
    ids
}

/// The id at the very end of a text whose middle is missing: as the outermost object's last member.
pub(crate) fn final_id(text: &str) -> Option<i64> {
    let text = text.trim_end().strip_suffix('}')?;
    let (_, after) = text.rsplit_once("\"id\"")?;
    let is_last = after.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b':' | b'"'));
    is_last.then(|| leading_id(after)).flatten()
}

/// The end of the string inside which `text` begins.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

fn leading_id(text: &str) -> Option<i64> {
    let digits = text.trim_start().strip_prefix(':')?.trim_start().trim_start_matches('"');
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_its_members_say() {
        for (text, kind) in [
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Kind::Answer),
            (r#"{"id":1,"result":{}}"#, Kind::Answer),
            (r#"{"result":{},"error":null,"id":"1"}"#, Kind::Answer),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, Kind::Answer),
            (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, Kind::Answer),
            (r#"{"jsonrpc":"2.0","id":1}"#, Kind::Answer),
            (r#"{"jsonrpc":"2.0","id":null,"error":{"code":1}}"#, Kind::Answer),
            (r#"{"id":1,"result":{"a":1},"took":3}"#, Kind::Answer),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}"#, Kind::Request),
            (r#"{"id":1,"method":"ping"}"#, Kind::Request),
            (r#"{"jsonrpc":"2.0","id":null,"method":"n"}"#, Kind::Notification),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"n"}"#, Kind::Request),
            (r#"{"id":1,"error":{"code":1,"message":"x"},"took":3}"#, Kind::Answer),
            (r#"{"method":"ping","id":5,"params":null,"result":null,"error":null}"#, Kind::Request),
            (r#"{"jsonrpc":"2.0","method":"n","id":null,"result":null}"#, Kind::Notification),
            (r#"{"level":"info","id":1,"msg":"x"}"#, Kind::Noise),
            (r#"{"level":"error","id":1,"error":"x"}"#, Kind::Noise),
            (r#"{"level":"info","id":1,"method":"tools/call"}"#, Kind::Noise),
            (r#"{"level":30,"result":"ok","id":1}"#, Kind::Noise),
            ("{}", Kind::Noise),
        ] {
            assert_eq!(RawMessage::open(text).unwrap().kind(), kind, "{text}");
        }
        for text in ["1", "[]", "null", "\"a\"", "{'a': 1}", "Listening"] {
            assert!(RawMessage::open(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_number_has_many_spellings() {
        for id in
            ["1000000007", "\"1000000007\"", "1000000007.0", "1.000000007e9", "\" 1000000007 \"", "\"1e9\""]
        {
            let text = format!(r#"{{"id":{id},"result":1}}"#);
            let number = RawMessage::open(&text).unwrap().number();
            assert_eq!(number, Some(if id == "\"1e9\"" { 1_000_000_000 } else { 1_000_000_007 }), "{id}");
        }
        for id in ["1.5", "\"x\"", "null", "{}", "1e300", "\"\""] {
            let text = format!(r#"{{"id":{id},"result":1}}"#);
            assert_eq!(RawMessage::open(&text).unwrap().number(), None, "{id}");
        }
    }

    #[test]
    fn marks_and_odd_bytes_cost_no_message() {
        for bytes in [&b"\xef\xbb\xbf{\"a\":1}"[..], b" \xef\xbb\xbf\xef\xbb\xbf {\"a\":1}\r\n", b"{\"a\":1}"]
        {
            assert_eq!(text(bytes), r#"{"a":1}"#);
        }
        assert_eq!(
            text(b"{\"a\":\"\xe9 \\ud83d \\ud83d\\ude00\"}"),
            "{\"a\":\"\u{fffd} \\ufffd \\ud83d\\ude00\"}"
        );
    }

    #[test]
    fn a_list_is_read_up_to_its_bound() {
        let taken = |text: &str| {
            let mut taken = 0;
            each(text, |_| taken += 1);
            taken
        };
        for (length, messages) in [(0, 0), (3, 3), (LONGEST_BATCH, LONGEST_BATCH), (100_000, LONGEST_BATCH)] {
            assert_eq!(taken(&format!("[{}]", vec!["1"; length].join(","))), messages);
        }
        assert_eq!((taken("[1,2"), taken("[1,]"), taken("{}")), (1, 1, 1), "what is no list is one text");
    }

    #[test]
    fn the_id_of_a_broken_message_is_its_own() {
        for (text, ids) in [
            (r#"{"id":7,"result":{"id":8,"text":"\"id\":9 }"}, oops"#, vec![7]),
            (r#"{"result":{"a":NaN,"id":8},"id": "7"}"#, vec![7]),
            (r#"{"result":"}{\"id\":8,","id":7"#, vec![7]),
            (r#"{"a":"unfinished "id":8"#, vec![]),
            (&format!("{{{}", r#""id":7,"#.repeat(1000)), vec![7; 16]),
            ("", vec![]),
        ] {
            assert_eq!(find_ids(text), ids, "{text}");
        }
    }
}
