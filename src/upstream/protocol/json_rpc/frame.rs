//! One JSON-RPC message as one line, ready for any transport.
//!
//! Invariant: no frame holds a character that a reader of lines may split at, whatever its message was made of. JSON
//! needs none of them: between tokens they are white space, and inside of strings they can be escaped. [`Frame::new`]
//! is the only way to make one, and the only thing that a transport writes.

use bytes::Bytes;
use serde::Serialize;

/// A message of ours, serialised.
#[derive(Debug, Clone)]
pub struct Frame(Bytes);

impl Frame {
    /// Serialises a message. What it carries as raw JSON keeps its digits and the order of its members.
    ///
    /// # Errors
    ///
    /// Those of the message's own serialisation.
    pub fn new(message: &impl Serialize) -> serde_json::Result<Self> {
        let mut line = in_one_line(serde_json::to_vec(message)?);
        line.push(b'\n');
        Ok(Self(line.into()))
    }

    /// The message with the line feed that ends it (MCP 2025-11-25, Transports, stdio).
    pub fn into_line(self) -> Bytes {
        self.0
    }

    /// The message alone, as the body of a request.
    pub fn into_body(mut self) -> Bytes {
        self.0.truncate(self.0.len() - 1);
        self.0
    }
}

/// The same JSON without line breaks of any kind: those of JSON itself, and the separators that Python's `splitlines`
/// and Node's `readline` know beside them (U+0085, U+2028, U+2029).
fn in_one_line(json: Vec<u8>) -> Vec<u8> {
    // The bytes that any of them begins with. Looking at all of them, without an early end, is vectorised.
    let suspicious = |byte: &u8| *byte < 0x20 || *byte == 0xc2 || *byte == 0xe2;
    if !json.iter().fold(false, |found, byte| found | suspicious(byte)) {
        return json;
    }
    let mut line = Vec::with_capacity(json.len() + 16);
    let mut rest = json.as_slice();
    while let Some(position) = rest.iter().position(suspicious) {
        let (plain, found) = rest.split_at(position);
        line.extend_from_slice(plain);
        let (replacement, length): (&[u8], usize) = match found {
            // A control character stands between tokens alone (RFC 8259 section 7).
            [(..0x20), ..] => (b" ", 1),
            [0xc2, 0x85, ..] => (br"\u0085", 2),
            [0xe2, 0x80, 0xa8, ..] => (br"\u2028", 3),
            [0xe2, 0x80, 0xa9, ..] => (br"\u2029", 3),
            _ => (&found[..1], 1),
        };
        line.extend_from_slice(replacement);
        rest = &found[length..];
    }
    line.extend_from_slice(rest);
    line
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json, value::RawValue};

    use super::*;

    fn frame(raw: &str) -> Frame {
        Frame::new(&serde_json::from_str::<&RawValue>(raw).unwrap()).unwrap()
    }

    #[test]
    fn a_frame_is_one_line_with_the_same_meaning() {
        for raw in [
            "{\n  \"a\": 1,\r\n\t\"b\": [\r1.50,\n 2e400 ]\r}",
            "{\"nel\u{85}\": \"\u{2028} and \u{2029}\", \"kept\": \"é – “日本”\u{a0}\"}",
            "{\"\\n\": \"\\u000a\\r\\u2028\"}",
            "\"\u{2028}\"",
            "7\n",
        ] {
            let line = frame(raw).into_line();
            let line = std::str::from_utf8(&line).unwrap().strip_suffix('\n').unwrap();
            let splits = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
            assert!(!line.contains(splits), "{line:?}");
            let [before, after]: [Result<Value, _>; 2] = [raw, line].map(serde_json::from_str);
            assert_eq!(before.ok(), after.ok(), "{line}");
            assert_eq!(frame(raw).into_body(), line);
        }
    }

    #[test]
    fn what_holds_no_break_stays_to_the_letter() {
        for raw in [r#"{"b": 123456789012345678901234567890, "a" : [1.50, "\n\/é–"]}"#, "[]"] {
            assert_eq!(frame(raw).into_body(), raw);
        }
        assert_eq!(Frame::new(&json!({ "text": "a\nb" })).unwrap().into_body(), r#"{"text":"a\nb"}"#);
    }
}
