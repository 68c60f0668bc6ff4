//! The caller's place in a distributed trace (W3C Trace Context), carried upstream as it came.
//!
//! Without an exporter of spans mcpo changes nothing: the spans of a server become children of the caller's.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

/// `traceparent` and `tracestate`, found well-formed; as `_meta` of a request (SEP-414).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceContext {
    traceparent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
}

impl TraceContext {
    /// The name of its first header, and of its member of `_meta`.
    pub const TRACEPARENT: &'static str = "traceparent";
    /// The name of its second.
    pub const TRACESTATE: &'static str = "tracestate";

    /// Reads both headers; `None` if the first is malformed. A malformed second one is left out (Trace Context section
    /// 3.3).
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let tracestate = tracestate.filter(|state| is_tracestate(state)).map(str::to_owned);
        is_traceparent(traceparent).then(|| Self { traceparent: traceparent.to_owned(), tracestate })
    }

    /// `traceparent`.
    pub fn parent(&self) -> &str {
        &self.traceparent
    }

    /// `tracestate`.
    pub fn state(&self) -> Option<&str> {
        self.tracestate.as_deref()
    }

    /// Puts it into the headers of a request.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        let state = self.tracestate.as_deref().map(|state| (Self::TRACESTATE, state));
        for (name, value) in [(Self::TRACEPARENT, self.traceparent.as_str())].into_iter().chain(state) {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// Section 3.2.2: `version-format` of version 00, which later versions may only append to.
fn is_traceparent(text: &str) -> bool {
    let mut parts = text.splitn(5, '-');
    let mut next = |length: usize| {
        let hex = |part: &&str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        parts.next().filter(|part| part.len() == length).filter(hex)
    };
    let (Some(version), Some(trace), Some(parent), Some(_flags)) = (next(2), next(32), next(16), next(2))
    else {
        return false;
    };
    let named = |id: &str| id.bytes().any(|byte| byte != b'0');
    version != "ff" && named(trace) && named(parent) && (version != "00" || parts.next().is_none())
}

/// Section 3.3.1: at most 32 members `key=value`; members may be empty.
fn is_tracestate(text: &str) -> bool {
    const MOST_MEMBERS: usize = 32;
    let members = || text.split(',').map(|member| member.trim_matches([' ', '\t']));
    let is_key = |key: &str| {
        let rest = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
        key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && key.len() <= 256
            && key.bytes().all(rest)
    };
    let is_value = |value: &str| {
        let allowed = |byte| matches!(byte, b' '..=b'~') && byte != b'=';
        (1..=256).contains(&value.len()) && value.bytes().all(allowed)
    };
    let good = |member: &str| {
        member.is_empty() || member.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value))
    };
    members().all(good) && (1..=MOST_MEMBERS).contains(&members().filter(|member| !member.is_empty()).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_has_the_form_of_the_specification() {
        let later = format!("{}-what-the-future-holds", PARENT.replacen("00", "cc", 1));
        for good in [PARENT, &PARENT.replacen("00", "cc", 1), &later] {
            assert!(TraceContext::parse(good, None).is_some(), "{good}");
        }
        for bad in [
            "",
            "00",
            &PARENT.to_uppercase(),
            &PARENT.replacen("00", "ff", 1),
            &PARENT[..54],
            &format!("{PARENT}-"),
            &format!(" {PARENT}"),
            &format!("{}x", PARENT.replacen("00", "cc", 1)),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        ] {
            assert!(TraceContext::parse(bad, Some("a=b")).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_malformed_tracestate_is_left_out() {
        let state = |text: &str| TraceContext::parse(PARENT, Some(text)).unwrap().tracestate;
        let most = vec!["a=1"; 32].join(",");
        for good in ["rojo=00f067aa0ba902b7", "t61rcwkgmze@vendor=a b,, congo=t61", &most] {
            assert_eq!(state(good).as_deref(), Some(good));
        }
        for bad in ["", ",", "a", "a=", "=b", "A=b", "a=b=c", "a=\u{e9}", &format!("{most},a=1")] {
            assert_eq!(state(bad), None, "{bad}");
        }
    }
}
