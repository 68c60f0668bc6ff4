//! The page at `/`: what each server is doing, for people. It holds nothing of the gateway: its script asks `/status`.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{StatusCode, header},
};

use super::{pages, path::Original, redirect};

const PAGE: &str = include_str!("home/page.html");
const STYLE: &str = include_str!("home/style.css");
const SCRIPT: &str = include_str!("home/script.js");

pub(super) async fn page(request: HttpRequest) -> HttpResponse {
    // Relative links need the slash, which is missing where the root path alone was asked for.
    match request.extensions().get::<Original>() {
        Some(Original(path)) if !path.ends_with('/') => {
            redirect(&format!("./{}/", path.rsplit('/').next().unwrap_or_default()))
        }
        _ => pages::html(StatusCode::OK, "no-cache", PAGE.to_owned()),
    }
}

pub(super) async fn style() -> HttpResponse {
    file("text/css; charset=utf-8", STYLE)
}

pub(super) async fn script() -> HttpResponse {
    file("text/javascript; charset=utf-8", SCRIPT)
}

fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((header::CACHE_CONTROL, "no-cache")).body(text)
}
