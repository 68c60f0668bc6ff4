//! The static status page at `/`, whose script fetches `/status`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};

use super::documents::redirect;
use crate::http::{context::RequestContext, pages};

const PAGE: &str = include_str!("status_page/page.html");
const STYLE: &str = include_str!("status_page/style.css");
const SCRIPT: &str = include_str!("status_page/script.js");

pub(in crate::http) async fn page(request: HttpRequest) -> HttpResponse {
    // Relative links need a trailing slash, which is missing if exactly the root path was requested.
    match &RequestContext::of(&request).original_path {
        Some(path) if !path.ends_with('/') => {
            redirect(&format!("./{}/", path.rsplit('/').next().unwrap_or_default()))
        }
        _ => pages::html(StatusCode::OK, "no-cache", PAGE.to_owned()),
    }
}

pub(in crate::http) async fn style() -> HttpResponse {
    file("text/css; charset=utf-8", STYLE)
}

pub(in crate::http) async fn script() -> HttpResponse {
    file("text/javascript; charset=utf-8", SCRIPT)
}

fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((header::CACHE_CONTROL, "no-cache")).body(text)
}
