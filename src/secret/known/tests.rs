//! Forms of a secret, and what is left of texts that hold them.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::json;

use super::*;

const SECRET: &str = "Pa/ss+w\"ö&rd<7'\\x";

fn known(secrets: &[&str]) -> KnownSecrets {
    KnownSecrets::of(secrets)
}

/// Each in a form that a server may answer with.
fn encoded(secret: &str) -> Vec<String> {
    let json = |text: &str| serde_json::to_string(text).expect("a string");
    let ascii: String = secret
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\u{:04X}", u32::from(c)) })
        .collect();
    let html =
        secret.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;");
    let percent = percent_encode(secret.as_bytes(), NON_ALPHANUMERIC).to_string();
    let base64 = STANDARD_NO_PAD.encode(secret);
    vec![
        secret.to_owned(),
        secret.to_ascii_uppercase(),
        json(secret),
        json(&json(secret)),
        json(&json(&json(secret))),
        ascii.clone(),
        ascii.to_lowercase(),
        json(&ascii),
        format!("{secret:?}"),
        html.clone(),
        json(&html),
        percent.to_lowercase(),
        percent_encode(percent.as_bytes(), NON_ALPHANUMERIC).to_string(),
        percent.replace("%2B", "+").replace("%2F", "/"),
        json(&percent),
        percent,
        base64.clone(),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD_NO_PAD.encode(format!("{{\"password\":\"{secret}\"}}")),
        STANDARD_NO_PAD.encode(format!("user:{secret}")),
        STANDARD_NO_PAD.encode(format!("use:{secret}:more")),
        json!({ "data": base64 }).to_string(),
        secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ]
}

#[test]
fn a_secret_is_found_in_every_form() {
    let _known = known(&[SECRET]);
    for text in encoded(SECRET) {
        let redacted = redact(&format!("before {text} after")).into_owned();
        assert!(redacted.starts_with("before ") && redacted.ends_with(" after"), "{text}: {redacted}");
        assert!(redacted.contains(MASK), "{text}: {redacted}");
        // What is left of base64 is what was around the secret.
        assert!(redacted.len() < "before  after".len() + MASK.len() + 26, "{text}: {redacted}");
    }
}

#[test]
fn an_encoded_secret_is_found_decoded() {
    let _known = known(&["a%2Fb%22c-encoded"]);
    for text in ["a%2Fb%22c-encoded", "a/b\"c-encoded", r#"a%2Fb\"c-encoded"#, r#"a/b\"c-encoded"#] {
        assert_eq!(redact(text), MASK, "{text}");
    }
}

#[test]
fn a_text_that_ends_within_a_secret_does_not_show_its_beginning() {
    let _known = known(&["cut-secret/0123456789"]);
    assert_eq!(redact("x cut-secret/01234567"), format!("x {MASK}"));
    assert_eq!(redact("x cut-secr"), format!("x {MASK}"));
    assert_eq!(redact("x cut-secret%2F01"), format!("x {MASK}"));
    assert_eq!(redact("x cut-secret%2"), format!("x {MASK}%2"));
    assert_eq!(redact("x cut-secret\\\\u00"), format!("x {MASK}\\\\u00"));
    assert_eq!(redact("x cut-sec"), "x cut-sec");
    assert_eq!(redact("x cut-secret of another kind"), "x cut-secret of another kind");
    assert_eq!(redact("x cut-secret/0 (cut by its server)"), format!("x {MASK} (cut by its server)"));
}

#[test]
fn a_secret_is_known_for_as_long_as_it_is_held() {
    let text = "first-held-secret second-held-secret";
    let first = known(&["first-held-secret", "second-held-secret"]);
    let second = known(&["first-held-secret"]);
    assert_eq!(redact(text), format!("{MASK} {MASK}"));
    drop(first);
    assert_eq!(redact(text), format!("{MASK} second-held-secret"));
    drop(second.clone());
    assert_eq!(redact(text), format!("{MASK} second-held-secret"));
    drop(second);
    assert!(matches!(redact(text), Cow::Borrowed(_)));
}

#[test]
fn secrets_that_overlap_or_touch_leave_nothing() {
    let _known = known(&["overlapping-a", "ping-another", "touching-b"]);
    assert_eq!(redact("-overlapping-another-"), format!("-{MASK}-"));
    assert_eq!(redact("touching-btouching-b."), format!("{MASK}."));
    assert_eq!(redact("é-touching-b-é"), format!("é-{MASK}-é"));
}

#[test]
fn short_values_are_no_secrets() {
    let _known = known(&["five5", "", "true"]);
    assert_eq!(redact("five5 true"), "five5 true");
}

#[test]
fn json_stays_json() {
    let _known = known(&["json-secret-\"x", "a\",\"b\":\"c", "12345678"]);
    for (given, expected) in [
        (json!({ "a": "x json-secret-\"x" }), json!({ "a": format!("x {MASK}") })),
        (json!({ "a": json!("json-secret-\"x").to_string() }), json!({ "a": format!("\"{MASK}\"") })),
        (json!({ "x": "a", "b": "c" }), json!({ "x": MASK })),
        (json!([12_345_678]), json!(MASK)),
        (json!([1]), json!([1])),
    ] {
        let raw = serde_json::value::to_raw_value(&given).expect("JSON");
        let redacted: serde_json::Value = serde_json::from_str(redact_json(&raw).get()).expect("JSON");
        assert_eq!(redacted, expected, "{given}");
    }
}

/// Who has chosen both could otherwise keep a worker for minutes.
#[test]
fn secrets_and_texts_that_are_alike_take_little_time() {
    let start = std::time::Instant::now();
    let nearly = format!("{}b{}", "a".repeat(30_000), "c".repeat(40_000));
    for secret in ["a".repeat(60_000), nearly] {
        let _known = KnownSecrets::of([secret]);
        for text in ["a".repeat(1 << 20), format!("%{}", "a".repeat(1 << 20))] {
            assert!(!redact(&text).contains(&"a".repeat(100_000)));
        }
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(60), "{:?}", start.elapsed());
}
