//! The page at `/`: what each server is doing, for people. It holds nothing of the gateway: its script asks `/status`.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};

use super::{get_or_head, pages, path::Original, redirect};

const PAGE: &str = include_str!("home/page.html");
const STYLE: &str = include_str!("home/style.css");
const SCRIPT: &str = include_str!("home/script.js");

/// Adds the page and its files, which lie beside those of the documentation.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let get = |path: &str| web::resource(path).guard(get_or_head());
    config
        .service(get("/").to(page))
        .service(get("/docs/status.css").to(|| file("text/css; charset=utf-8", STYLE)))
        .service(get("/docs/status.js").to(|| file("text/javascript; charset=utf-8", SCRIPT)));
}

async fn page(request: HttpRequest) -> HttpResponse {
    // Relative links need the slash, which is missing where the root path alone was asked for.
    match request.extensions().get::<Original>() {
        Some(Original(path)) if !path.ends_with('/') => {
            redirect(&format!("./{}/", path.rsplit('/').next().unwrap_or_default()))
        }
        _ => pages::html(StatusCode::OK, "no-cache", PAGE.to_owned()),
    }
}

async fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((header::CACHE_CONTROL, "no-cache")).body(text)
}
