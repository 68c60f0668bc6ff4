//! The causes of a failed request as text. The error's own text is never shown: it holds the URL, which may hold a
//! secret.

use std::{error::Error, iter};

/// The innermost cause, which says what happened.
pub fn root_cause(error: &reqwest::Error) -> String {
    chain(error).last().map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

/// All causes in one line, from the outermost to the innermost.
pub fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    for cause in chain(error) {
        let cause = cause.to_string();
        // The system's number says nothing to people.
        let cause = cause.split(" (os error").next().unwrap_or_default();
        // hyper's own "client error (Connect)" says nothing that its cause does not say better.
        if !cause.starts_with("client error") && !text.ends_with(cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(cause);
        }
    }
    if text.is_empty() { "the request failed".to_owned() } else { text }
}

pub(super) fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    iter::successors(error.source(), |&cause| cause.source())
}
