//! Documents, and the pages that show them with Swagger UI: no inline script, nothing from elsewhere.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::Data,
};
use bytes::Bytes;

use super::{error::ApiError, pages, path, peer, state::Gateway};
use crate::openapi::{Document, entity_tag};

static STYLE: LazyLock<Option<Asset>> = LazyLock::new(|| Asset::find("swagger-ui.css"));
static SCRIPT: LazyLock<Option<Asset>> = LazyLock::new(|| Asset::find("swagger-ui-bundle.js"));

/// Starts Swagger UI with the document that the page names.
const START: &str = "\
const element = document.getElementById('swagger-ui');
SwaggerUIBundle({
  url: element.dataset.document,
  domNode: element,
  deepLinking: true,
  persistAuthorization: true,
  validatorUrl: null,
});
";

pub(super) async fn start() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(START)
}

/// A file of Swagger UI's own.
struct Asset {
    kind: String,
    etag: String,
    body: Bytes,
}

impl Asset {
    fn find(name: &str) -> Option<Self> {
        let file = utoipa_swagger_ui::serve(name, Arc::default()).ok()??;
        let body = match file.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        Some(Self { kind: file.content_type, etag: entity_tag(&body), body })
    }
}

pub(super) async fn style(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    asset(&request, STYLE.as_ref())
}

pub(super) async fn script(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    asset(&request, SCRIPT.as_ref())
}

fn asset(request: &HttpRequest, asset: Option<&Asset>) -> Result<HttpResponse, ApiError> {
    let Asset { kind, etag, body } = asset.ok_or(ApiError::NotFound)?;
    Ok(unless_known(request, kind, etag, body))
}

/// Serves a document.
pub(super) fn document(request: &HttpRequest, document: &Document) -> HttpResponse {
    let told = request.app_data::<Data<Gateway>>().filter(|gateway| gateway.settings.base.root.is_empty());
    let under = told.map(|_| peer::prefix(request)).filter(|prefix| !prefix.is_empty());
    let under = under.and_then(|prefix| document.under(&prefix));
    let Document { body, etag, .. } = under.as_ref().unwrap_or(document);
    unless_known(request, "application/json", etag, body)
}

/// Serves `body`; 304 where the client has it already (RFC 9110 section 13.1.2).
fn unless_known(request: &HttpRequest, kind: &str, etag: &str, body: &Bytes) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let same = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == etag;
    let current = known.is_some_and(|tags| tags.split(',').map(str::trim).any(same));
    let mut response = if current { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .content_type(kind);
    if current { response.finish() } else { response.body(body.clone()) }
}

/// The page around the document beside it.
pub(super) fn page(request: &HttpRequest, title: &str) -> HttpResponse {
    let up = path::way_up(request.path());
    pages::html(
        StatusCode::OK,
        "no-cache",
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} - Swagger UI</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"{up}docs/assets/swagger-ui.css\">\n</head>\n<body>\n\
         <div id=\"swagger-ui\" data-document=\"openapi.json\"></div>\n\
         <script src=\"{up}docs/assets/swagger-ui-bundle.js\"></script>\n\
         <script src=\"{up}docs/start.js\"></script>\n</body>\n</html>\n",
            title = pages::escape(title),
        ),
    )
}
