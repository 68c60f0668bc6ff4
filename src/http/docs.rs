//! Documents, and the pages that show them with Swagger UI: no inline script, nothing from elsewhere.

use actix_web::{
    HttpRequest, HttpResponse, Scope,
    guard::fn_guard,
    http::{StatusCode, header},
    web::{self, Data},
};
use swagger_ui_dist::{ApiDefinition, OpenApiSource, generate_scope};

use super::{pages, path, peer, state::Gateway};
use crate::openapi::Document;

/// Where Swagger UI's own files are.
const ASSETS: &str = "/docs/assets";

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

/// One file of Swagger UI's own. The crate gives all of them at once, and an index page that is not for us.
pub(super) fn asset(path: &'static str) -> Scope {
    let definition =
        ApiDefinition { uri_prefix: ASSETS, api_definition: OpenApiSource::Uri(""), title: None };
    let only = fn_guard(move |context| context.head().uri.path() == path);
    web::scope("").guard(only).service(generate_scope(definition))
}

/// Serves a document; 304 where the client has it already (RFC 9110 section 13.1.2).
pub(super) fn document(request: &HttpRequest, document: &Document) -> HttpResponse {
    let told = request.app_data::<Data<Gateway>>().filter(|gateway| gateway.settings.base.root.is_empty());
    let under = told.map(|_| peer::prefix(request)).filter(|prefix| !prefix.is_empty());
    let under = under.and_then(|prefix| document.under(&prefix));
    let document = under.as_ref().unwrap_or(document);
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let same = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == document.etag;
    let current = known.is_some_and(|tags| tags.split(',').map(str::trim).any(same));
    let mut response = if current { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, document.etag.clone()))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .content_type("application/json");
    if current { response.finish() } else { response.body(document.body.clone()) }
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
