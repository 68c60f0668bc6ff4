//! The JSON of authorization servers as they write it: one thing has several forms, and a member that makes no sense
//! counts as absent, so that it costs nothing but itself.
//!
//! Invariant: `null`, an empty text and an empty list are never a value, and a list of one is what it holds.

use std::time::Duration;

use serde_json::Value;
use url::form_urlencoded;

/// The JSON in `body`, whatever media type it has. A byte order mark is skipped, and a byte that is no UTF-8, as in the
/// words of servers that write Latin-1, becomes U+FFFD.
pub(super) fn json(body: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(body);
    let value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    Some(sole(value))
}

/// The members of an answer, in JSON or form-encoded as GitHub writes it; `null` if it is neither.
pub(super) fn answer(body: &[u8]) -> Value {
    match json(body) {
        Some(answer) => answer,
        None => form_urlencoded::parse(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
    }
}

fn sole(value: Value) -> Value {
    match value {
        Value::Array(list) if list.len() == 1 => list.into_iter().next().unwrap_or_default(),
        value => value,
    }
}

/// A text, or a number as its digits.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(list) if list.len() == 1 => text(&list[0]),
        _ => None,
    }
}

/// A list, or a text with whitespace or commas between its elements. What is no text in a list is left out.
pub(super) fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().filter_map(text).collect(),
        value => text(value).iter().flat_map(|text| split(text)).collect(),
    }
}

/// Scopes and other names: a [`list`] whose elements may be such texts too.
pub(super) fn names(value: &Value) -> Vec<String> {
    list(value).iter().flat_map(|element| split(element)).collect()
}

fn split(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| c == ',' || c.is_whitespace());
    words.filter(|word| !word.is_empty()).map(str::to_owned)
}

/// `true`, also as a text.
pub(super) fn flag(value: &Value) -> bool {
    *value == Value::Bool(true) || text(value).is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
}

/// A time in seconds, with a fraction or without; none at all cannot be meant, nor can less.
pub(super) fn seconds(value: &Value) -> Option<Duration> {
    let seconds = text(value)?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_json_or_a_form() {
        let expected = json!({"error": "a b", "n": "1"});
        for body in [
            "{\"error\": \"a b\", \"n\": \"1\"}",
            "\u{feff}{\"error\": \"a b\", \"n\": \"1\"}",
            "\u{feff}\u{feff}\r\n [{\"error\": \"a b\", \"n\": \"1\"}] ",
            "error=a+b&n=1",
            "\u{feff}error=a%20b&n=1\r\n",
        ] {
            assert_eq!(answer(body.as_bytes()), expected, "{body:?}");
        }
        assert_eq!(answer(b"{\"error\": \"\xfc\"}"), json!({"error": "\u{fffd}"}));
        for neither in ["", " ", "<html>no</html>", "{\"error\":"] {
            assert!(answer(neither.as_bytes())["error"].is_null(), "{neither:?}");
        }
    }

    #[test]
    fn each_thing_has_several_forms() {
        for (value, expected) in [
            (json!("a"), Some("a")),
            (json!(["a"]), Some("a")),
            (json!([[12]]), Some("12")),
            (json!(12), Some("12")),
            (json!(" "), None),
            (json!(["a", "b"]), None),
            (json!({"a": "b"}), None),
            (json!(true), None),
            (json!(null), None),
        ] {
            assert_eq!(text(&value).as_deref(), expected, "{value}");
        }
        for (value, expected) in [
            (json!(["a b", null, 5, {}, ""]), &["a b", "5"][..]),
            (json!("a"), &["a"]),
            (json!(" a, b,c\td "), &["a", "b", "c", "d"]),
            (json!(""), &[]),
            (json!(null), &[]),
            (json!({"a": 1}), &[]),
        ] {
            assert_eq!(list(&value), expected, "{value}");
        }
        assert_eq!(names(&json!(["a b", "c,d"])), ["a", "b", "c", "d"]);
        let flags = [json!(true), json!("true"), json!("True "), json!(false), json!("no"), json!(1)];
        assert_eq!(flags.map(|value| flag(&value)), [true, true, true, false, false, false]);
    }

    #[test]
    fn a_time_is_read_in_any_form() {
        let cases = [
            (json!(3600), Some(3600)),
            (json!("3600"), Some(3600)),
            (json!(" 60 "), Some(60)),
            (json!(["60"]), Some(60)),
            (json!(3600.0), Some(3600)),
            (json!(0), None),
            (json!(-1), None),
            (json!("soon"), None),
            (json!("inf"), None),
            (json!(1e300), None),
            (json!(null), None),
            (json!([1, 2]), None),
        ];
        for (form, expected) in cases {
            assert_eq!(seconds(&form), expected.map(Duration::from_secs), "{form}");
        }
    }
}
