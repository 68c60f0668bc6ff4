//! What comes back over a connection, and whether it tells anything to who may know nothing.

/// All that was heard over one connection.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) text: String,
    /// The other side has closed it.
    pub(super) ended: bool,
}

/// One answer of several.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) status: u16,
    head: &'a str,
    body: &'a str,
}

/// The answers that stand one after another. None of our bodies holds what an answer begins with.
pub(super) fn answers(text: &str) -> Vec<Part<'_>> {
    let parts = text.split("HTTP/1.").skip(1);
    parts
        .map(|part| {
            let (head, body) = part.split_once("\r\n\r\n").unwrap_or((part, ""));
            let status = head.get(2..5).and_then(|status| status.parse().ok()).unwrap_or_default();
            Part { status, head, body }
        })
        .collect()
}

impl Part<'_> {
    /// Whether a stranger learns nothing from it under strict authentication: it is a refusal that does not depend on
    /// what is there, or something `open`.
    pub(super) fn tells_nothing(&self, open: &[String]) -> bool {
        match self.status {
            100 => true,
            // A head alone is known by the length of its body.
            200 => {
                let is_open = |open: &String| match self.body.is_empty() {
                    true => self.header("content-length") == Some(&open.len().to_string()),
                    false => self.body == open,
                };
                open.iter().any(is_open) || self.is_preflight() || self.body.contains("\"read\"")
            }
            // nginx's own pages; all of ours that have these statuses are behind the guard.
            301 | 404 | 405 => self.header("content-type") == Some("text/html"),
            400 | 401 | 403 | 408 | 411 | 413 | 414 | 415 | 417 | 421 | 422 | 431 | 501 | 505 => true,
            _ => false,
        }
    }

    fn is_preflight(&self) -> bool {
        self.body == "OK" && self.header("access-control-allow-methods").is_some()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}
