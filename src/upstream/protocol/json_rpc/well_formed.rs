//! JSON without lone surrogates. JSON's grammar lets `\ud800` stand alone (RFC 8259 section 8.2), and programs in Python
//! and JavaScript write such escapes; no UTF-8 text can hold what they mean.
//!
//! Invariant: nothing but the escape of a lone surrogate is changed, so numbers, spaces and the order of keys stay.

use std::borrow::Cow;

/// A whole escape of a UTF-16 code unit, such as `\u00e9`, in bytes.
const ESCAPE: usize = 6;

/// `json` with U+FFFD in place of each surrogate that is escaped without its other half; borrowed if there is none.
pub fn well_formed(json: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    // What lies before the first is in `mended`, what lies before the second has been looked at.
    let (mut copied, mut seen) = (0, 0);
    while let Some(offset) = json[seen..].find('\\') {
        let at = seen + offset;
        seen = match (code_unit(json, at), code_unit(json, at + ESCAPE)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at + 2 * ESCAPE,
            (Some(0xd800..=0xdfff), _) => {
                mended += &json[copied..at];
                mended += "\\ufffd";
                copied = at + ESCAPE;
                copied
            }
            // What is escaped may be a backslash itself.
            _ => at + 1 + json[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    if copied == 0 {
        return json.into();
    }
    mended += &json[copied..];
    mended.into()
}

/// The UTF-16 code unit that is escaped at `at`, where one is.
fn code_unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_are_replaced() {
        for (json, mended) in [
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""\uDFFF x""#, r#""\ufffd x""#),
            (r#""\ud800\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud800\u0041""#, r#""\ufffd\u0041""#),
            (r#""\ud800\n\udc00""#, r#""\ufffd\n\ufffd""#),
            (r#""\\\ud800""#, r#""\\\ufffd""#),
            (r#"{"\udc00": 1.50, "é": "\ud800é"}"#, r#"{"\ufffd": 1.50, "é": "\ufffdé"}"#),
        ] {
            assert_eq!(well_formed(json), mended);
            assert!(serde_json::from_str::<serde_json::Value>(&well_formed(json)).is_ok(), "{json}");
        }
    }

    #[test]
    fn all_else_is_borrowed() {
        for json in [
            "",
            r#"{ "a" : [1.0, "\u00e9\ud83d\ude00\"\\"] }"#,
            r#""\\ud800""#,
            r#""\\\\udfff""#,
            r#""ud800""#,
            // Not JSON, and left to those who say so.
            r#""\ud8"#,
            r#""\u"#,
            r#"\"#,
            r#"\é\ud8é0"#,
        ] {
            assert!(matches!(well_formed(json), Cow::Borrowed(same) if same == json), "{json}");
        }
    }
}
