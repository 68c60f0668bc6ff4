//! Content negotiation (RFC 9110 section 12.5.1): HTML for browsers, JSON for programs.

use actix_web::http::header::{self, HeaderMap};

/// Whether the client prefers HTML to JSON.
///
/// Programs send no `Accept`, `*/*` or `application/json`, while browsers name HTML.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    let values: Vec<&str> = headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).collect();
    let ranges: Vec<(String, f32)> = values.iter().flat_map(|value| value.split(',')).map(range).collect();
    let quality = |wanted: &str| {
        let named = ranges.iter().filter(|(range, _)| range == wanted).map(|(_, quality)| *quality);
        named.reduce(f32::max)
    };
    let Some(html) = quality("text/html").filter(|quality| *quality > 0.0) else { return false };
    match quality("application/json") {
        Some(json) => html > json,
        None => ["application/*", "*/*"].into_iter().find_map(quality).is_none_or(|any| html >= any),
    }
}

/// Splits a media range from its parameters, and returns it with its weight.
fn range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse().unwrap_or(0.0))
    });
    (range, weight.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn asked(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        prefers_html(&headers)
    }

    #[test]
    fn browsers_get_pages_and_programs_json() {
        for browser in [
            // Chromium, Firefox, Safari, an old WebKit, lynx and w3m.
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
             application/signed-exchange;v=b3;q=0.7",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/xml,application/xhtml+xml,text/html;q=0.9,text/plain;q=0.8,image/png,*/*;q=0.5",
            "text/html, text/plain, text/sgml, text/css, */*;q=0.01",
            "text/html, text/*;q=0.5, image/*",
            "TEXT/HTML;level=1 ; Q = 1",
            "text/html, application/json;q=0.9",
        ] {
            assert!(asked(&[browser]), "{browser}");
        }
        for program in [
            // curl, httpx and fetch; axios; Swagger UI; requests for one of several types.
            "*/*",
            "application/json, text/plain, */*",
            "application/json,*/*",
            "application/json",
            "application/json, text/html",
            "application/json, text/html;q=0.9",
            "text/html;q=0, */*",
            "text/html;q=0.5, application/*",
            "text/html;q=odd",
            "text/*",
            "",
        ] {
            assert!(!asked(&[program]), "{program}");
        }
        assert!(!asked(&[]));
        assert!(asked(&["*/*;q=0.1", "text/html"]));
    }
}
