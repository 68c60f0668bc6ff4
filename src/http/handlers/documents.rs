//! Documents, and the Swagger UI pages that show them, without inline scripts or anything from another origin.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Data},
};
use bytes::Bytes;
use tokio::time::Instant;

use super::status::state;
use crate::{
    http::{context::RequestContext, error::ApiError, pages, path, slices::Slices},
    oauth::LoginNeeded,
    openapi::{Document, entity_tag, root_title},
    registry::{Entry, Mounting, Registry, Served, Snapshot, View},
    upstream::CallError,
};

/// How long a document waits for its server's first connection attempt, since Open WebUI gives up after 10 s.
const STARTING: Duration = Duration::from_secs(8);
/// When it may be worth asking again for what a server serves.
const LATER: Duration = Duration::from_secs(5);

static STYLE: LazyLock<Option<Asset>> = LazyLock::new(|| Asset::find("swagger-ui.css"));
static SCRIPT: LazyLock<Option<Asset>> = LazyLock::new(|| Asset::find("swagger-ui-bundle.js"));

/// The script that starts Swagger UI with the document that the page names.
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

pub(in crate::http) async fn start() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(START)
}

/// A file that belongs to Swagger UI.
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

pub(in crate::http) async fn style(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    asset(&request, STYLE.as_ref())
}

pub(in crate::http) async fn script(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    asset(&request, SCRIPT.as_ref())
}

fn asset(request: &HttpRequest, asset: Option<&Asset>) -> Result<HttpResponse, ApiError> {
    let Asset { kind, etag, body } = asset.ok_or(ApiError::NotFound)?;
    Ok(unless_known(request, kind, etag, body))
}

/// `GET /openapi.json`.
pub(in crate::http) async fn root_document(
    request: HttpRequest,
    registry: Data<Registry>,
) -> Result<HttpResponse, ApiError> {
    let context = RequestContext::of(&request);
    let snapshot = context.take_snapshot();
    if let Some(entry) = only(&registry, &snapshot).cloned() {
        drop(snapshot);
        return server_document(&request, &registry, entry).await;
    }
    let document = registry.root_document(&snapshot, context.permission());
    Ok(serve(&request, &context, &registry, &document))
}

/// `GET /docs`.
pub(in crate::http) async fn root_page(request: HttpRequest, registry: Data<Registry>) -> HttpResponse {
    let snapshot = RequestContext::of(&request).take_snapshot();
    match only(&registry, &snapshot) {
        Some(entry) => server_page(&request, entry),
        None => page(&request, root_title(registry.settings())),
    }
}

/// Returns the server in single mode, whose routes are at the root.
fn only<'s>(registry: &Registry, snapshot: &'s Snapshot) -> Option<&'s Arc<Entry>> {
    snapshot.first().filter(|_| registry.mounting() == Mounting::Single)
}

/// `GET /redoc`.
pub(in crate::http) async fn to_docs() -> HttpResponse {
    redirect("docs")
}

/// Redirects to the relative URL `to`, which holds behind any prefix.
pub(super) fn redirect(to: &str) -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, to)).finish()
}

/// Serves the document of a server as the caller may see it.
pub(super) async fn server_document(
    request: &HttpRequest,
    registry: &Registry,
    entry: Arc<Entry>,
) -> Result<HttpResponse, ApiError> {
    let context = RequestContext::of(request);
    let settled = registry.settled(entry, Instant::now() + STARTING).await;
    let served = readable(&settled, &context)?.clone();
    let secured = context.authenticator.config.is_closed();
    let view = View { permission: context.permission().clone(), secured };
    let document = match served.known_document(&view) {
        Some(known) => known,
        None => {
            let built = web::block(move || served.document(view)).await;
            built.map_err(|error| ApiError::BadResult(error.to_string()))?
        }
    };
    Ok(serve(request, &context, registry, &document))
}

/// Serves the documentation page of a server.
pub(super) fn server_page(request: &HttpRequest, entry: &Entry) -> HttpResponse {
    match as_told(entry, &RequestContext::of(request)) {
        Ok(served) => page(request, &served.title),
        Err(CallError::LoginNeeded(login)) => pages::login_needed(entry.name(), &login),
        Err(error) => pages::waiting(entry.name(), &error.to_string()),
    }
}

/// Returns what a server serves, for readers.
///
/// They may be unauthenticated, so the error holds no ticket for a login.
///
/// # Errors
///
/// The server has never been connected.
pub(super) fn readable<'e>(entry: &'e Entry, context: &RequestContext) -> Result<&'e Arc<Served>, CallError> {
    as_told(entry, context).map_err(|error| match error {
        CallError::LoginNeeded(login) => {
            let reason =
                format!("the server needs authorization: {}; log in at {}", login.reason, login.page);
            CallError::Unavailable { reason, retry_after: LATER }
        }
        error => error,
    })
}

/// Returns what a server serves, or why not: in our words alone, unless a credential was shown.
fn as_told<'e>(entry: &'e Entry, context: &RequestContext) -> Result<&'e Arc<Served>, CallError> {
    entry.served().map_err(|error| match error {
        error if context.is_caller() => error,
        CallError::LoginNeeded(login) => {
            let reason = "somebody has to log in".to_owned();
            CallError::LoginNeeded(Box::new(LoginNeeded { reason, ..*login }))
        }
        _ => {
            let reason = format!(
                "the server is not connected ({}); who shows a key is told why",
                state(&entry.status)
            );
            CallError::Unavailable { reason, retry_after: LATER }
        }
    })
}

/// Serves a document; without a configured root path, its URLs get the prefix that a trusted proxy reports.
fn serve(
    request: &HttpRequest,
    context: &RequestContext,
    registry: &Registry,
    document: &Document,
) -> HttpResponse {
    let prefix = &context.client.prefix;
    let named = registry.settings().base.root.is_empty() && !prefix.is_empty();
    let below = named.then(|| document.under(prefix)).flatten();
    let Document { body, etag, .. } = below.as_ref().unwrap_or(document);
    unless_known(request, "application/json", etag, body)
}

/// Serves `body`, or 304 if the client has it already (RFC 9110 section 13.1.2).
fn unless_known(request: &HttpRequest, kind: &str, etag: &str, body: &Bytes) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let same = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == etag;
    let current = known.is_some_and(|tags| tags.split(',').map(str::trim).any(same));
    let mut response = if current { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .content_type(kind);
    if current { response.finish() } else { response.body(Slices::shared(body.clone())) }
}

/// Returns the page that shows the `openapi.json` in the same folder.
fn page(request: &HttpRequest, title: &str) -> HttpResponse {
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
