//! An HTTP response read to its end.

use mcpo::oauth::Challenge;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An HTTP response read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.bytes().await.expect("the body arrives whole");
        Self { status, headers, body: String::from_utf8(body.to_vec()).expect("the body is UTF-8") }
    }

    /// An answer as it stands on the wire, with a `Content-Length` or ended by the connection's close.
    pub(crate) fn parse(wire: &[u8]) -> Self {
        let wire = String::from_utf8_lossy(wire);
        let (head, body) =
            wire.split_once("\r\n\r\n").unwrap_or_else(|| panic!("not an HTTP answer: {wire:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.parse().unwrap(), value.trim().parse().unwrap()))
            .collect::<Vec<(reqwest::header::HeaderName, reqwest::header::HeaderValue)>>();
        Self {
            status: status.unwrap_or_else(|| panic!("no status in {head:?}")),
            headers: headers.into_iter().collect(),
            body: body.to_owned(),
        }
    }

    /// All values of a header, joined by commas.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// What it asks for with `WWW-Authenticate`; it has to name addresses whole.
    pub(crate) fn challenge(&self) -> Challenge {
        let nowhere = "http://relative.invalid".parse().expect("a URL");
        Challenge::of(&self.headers, &nowhere, None).unwrap_or_else(|| panic!("no challenge in {self:?}"))
    }

    /// The body, which must be JSON and say so.
    pub(crate) fn json(&self) -> Value {
        let kind = self.header("content-type").unwrap_or_default();
        assert_eq!(kind, "application/json", "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Asserts status and JSON body at once.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: &Value) {
        assert_eq!((self.status, &self.json()), (status, body), "{self:?}");
    }

    /// Asserts an error of ours with a message, `{"detail":{"message":...}}`, and gives the message.
    #[track_caller]
    pub(crate) fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        body["detail"]["message"].as_str().unwrap_or_else(|| panic!("no detail.message in {body}")).to_owned()
    }

    /// Asserts that it is a page for a person, with this status, and gives its text.
    #[track_caller]
    pub(crate) fn page(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{self:?}");
        let kind = self.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("text/html"), "{self:?}");
        &self.body
    }
}
