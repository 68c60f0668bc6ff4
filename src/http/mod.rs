//! The HTTP side: in which order a request passes the layers, and where the routes of servers lead.
//!
//! actix workers only borrow handles: sessions live on the main runtime. Routes ([`routes`]) never change; what
//! they lead to is looked up in the snapshot.

mod accept;
mod audit;
mod body;
mod cors;
mod docs;
mod error;
mod forwarded;
mod guard;
mod health;
mod hint;
mod home;
mod host;
mod insight;
mod json_error;
mod login;
mod loopback;
mod meter;
mod metrics;
mod offer;
mod pages;
mod path;
mod peer;
mod request_id;
mod result;
mod routes;
mod span;
mod state;
mod status;
mod tools;
mod views;

pub use audit::AuditLog;
pub use host::Hosts;
pub use insight::Insight;
pub use loopback::Loopback;
pub use metrics::metrics_app;
pub use offer::{Offer, build};
pub use peer::{Front, network};
pub use routes::own_paths;
pub use state::{Entry, Gateway, Mounting, follow};

use std::{sync::Arc, time::Duration};

use actix_web::{
    App, HttpMessage, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::from_fn,
    web::{self, Data, Payload},
};
use paperclip::actix::OpenApiExt;
use tokio::time::Instant;

use self::{error::ApiError, guard::Denial, meter::Meter, path::Original, state::Snapshot};
use crate::{catalogue::Tool, upstream::CallError};

/// How long a document waits for its server's first attempt to connect. Open WebUI gives up after 10 s.
const STARTING: Duration = Duration::from_secs(8);

/// What each server has beside its tools.
const PAGES: [&str; 3] = ["/openapi.json", "/docs", "/redoc"];

/// The application of one worker.
///
/// Layers, outermost first: every request gets its id; errors become pages for people; it is found out where it comes from, and what is meant for another
/// host is refused; the root path comes off, so that all others see one form of a path; CORS headers
/// go onto every answer, refusals too; the guard decides before anything is looked up.
pub fn app(
    gateway: Data<Gateway>,
    front: Data<Front>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let metrics_apart = gateway.insight.metrics_apart;
    App::new()
        .wrap_api()
        .configure(|config| routes::add_documented(routes::of_main(metrics_apart), config))
        .build()
        .app_data(gateway)
        .app_data(front)
        .configure(|config| routes::add_plain(routes::of_main(metrics_apart), config))
        .default_service(web::to(catch_all))
        .wrap(from_fn(guard::check))
        .wrap(from_fn(cors::apply))
        .wrap(from_fn(path::strip_root))
        .wrap(from_fn(host::check))
        .wrap(from_fn(peer::apply))
        .wrap(from_fn(pages::for_people))
        .wrap(pages::default_headers())
        .wrap(from_fn(request_id::apply))
}

async fn root_document(request: HttpRequest, gateway: Data<Gateway>) -> Result<HttpResponse, ApiError> {
    let snapshot = gateway.snapshot();
    match only(&gateway, &snapshot) {
        Some(entry) => server_document(&request, &gateway, entry).await,
        None => {
            let permission = guard::permission(&request);
            Ok(docs::document(&request, &gateway.root_document(&permission)))
        }
    }
}

async fn root_page(request: HttpRequest, gateway: Data<Gateway>) -> HttpResponse {
    let snapshot = gateway.snapshot();
    match only(&gateway, &snapshot) {
        Some(entry) => server_page(&request, entry),
        None => docs::page(&request, &snapshot.root().title),
    }
}

async fn to_docs() -> HttpResponse {
    redirect("docs")
}

/// Servers' routes: `/{server}/openapi.json`, `/{server}/docs` and `POST /{server}/{tool}`.
async fn catch_all(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, ApiError> {
    let snapshot = gateway.snapshot();
    // A server may bear the name of the root path: what does not lead anywhere without it may do so with it.
    let original = request.extensions().get::<Original>().cloned();
    let paths = [Some(request.path()), original.as_ref().map(|original| original.0.as_str())];
    let found = paths.into_iter().flatten().find_map(|path| find(&gateway, &snapshot, path));
    let permission = guard::permission(&request);
    let nothing = |hint: &dyn Fn() -> Option<String>| {
        match routes::find(request.path(), gateway.insight.metrics_apart) {
            Some(own) => ApiError::MethodNotAllowed(own.allow),
            // Who may not see everything does not learn what else there is.
            None if permission.is_limited() => Denial::Withheld.into(),
            None => hint().map_or(ApiError::NotFound, ApiError::Misspelt),
        }
    };
    let (entry, rest) =
        found.ok_or_else(|| nothing(&|| hint::server(&gateway, &snapshot, request.path())))?;
    let server = entry.session.config().name.as_str();
    if !permission.reaches(server) {
        return Err(Denial::Withheld.into());
    }
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let calls = *request.method() == Method::POST;
    let deadline = entry.session.deadline();
    let settled;
    let entry = if entry.is_starting() && calls {
        settled = gateway.settled(entry, deadline).await;
        &settled
    } else {
        entry
    };
    match rest {
        "/openapi.json" if reads => server_document(&request, &gateway, entry).await,
        "/docs" if reads => Ok(server_page(&request, entry)),
        "/redoc" if reads => Ok(redirect("docs")),
        "/" if reads && gateway.mounting == Mounting::Named => Ok(redirect("docs")),
        "" if reads => {
            let last = request.path().rsplit('/').next().unwrap_or_default();
            // A name may hold a colon, which would make it a scheme.
            Ok(redirect(&format!("./{last}/docs")))
        }
        rest => {
            let offer = match calls {
                true => {
                    entry.offer().map_err(|reason| tools::not_begun(&gateway, &request, server, reason))?
                }
                false => readable(entry)?,
            };
            match find_tool(offer, rest) {
                Some((tool, _)) if !permission.allows(server, &tool.name, tool.read_only) => {
                    Err(Denial::Withheld.into())
                }
                Some((tool, meter)) if calls => {
                    tools::call(&gateway, &entry.session, tool, meter, &request, payload, deadline).await
                }
                Some(_) => Err(ApiError::MethodNotAllowed("POST")),
                None if PAGES.contains(&rest) => Err(ApiError::MethodNotAllowed("GET, HEAD")),
                None => Err(nothing(&|| hint::tool(offer, rest))),
            }
        }
    }
}

/// The server that a path leads to, and what follows its name, still encoded.
///
/// Slashes of a name may stand in the path as they are, as with the Python mcpo. Where several names fit so, the longest
/// is meant; with its slashes encoded, as documents have them, a name is the only one that fits.
fn find<'s, 'p>(gateway: &Gateway, snapshot: &'s Snapshot, path: &'p str) -> Option<(&'s Entry, &'p str)> {
    let path = path::without_prefix(path, &gateway.settings.base.prefix)?;
    if let Some(entry) = only(gateway, snapshot) {
        return Some((entry, path));
    }
    let raw = snapshot.servers().filter(|(name, _)| name.contains('/'));
    let raw = raw.filter_map(|(name, entry)| Some((name, entry, path::after_name(path, name)?)));
    let raw = raw.max_by_key(|(name, ..)| name.len());
    let (name, rest) = path::split_first(path)?;
    let first = snapshot.server(&name).map(|entry| (entry, rest));
    // The address that a document gives is its tool's or page's, whatever another name looks like.
    let of_the_first = first.filter(|(entry, rest)| {
        PAGES.contains(rest) || entry.offer.as_ref().is_some_and(|offer| find_tool(offer, rest).is_some())
    });
    match (raw, of_the_first) {
        (Some((_, _, "" | "/")), Some(found)) => Some(found),
        (Some((_, entry, rest)), _) => Some((entry, rest)),
        (None, _) => first,
    }
}

async fn server_document(
    request: &HttpRequest,
    gateway: &Data<Gateway>,
    entry: &Entry,
) -> Result<HttpResponse, ApiError> {
    let settled = gateway.settled(entry, Instant::now() + STARTING).await;
    let offer = readable(&settled)?.clone();
    let view = gateway.snapshot().guard.view(guard::permission(request));
    let document = match offer.known_document(&view) {
        Some(known) => known,
        None => {
            let gateway = gateway.clone();
            let built = web::block(move || offer.document(&gateway, view)).await;
            built.map_err(|error| ApiError::BadResult(error.to_string()))?
        }
    };
    Ok(docs::document(request, &document))
}

/// What a server offers, for those who only read: they need not have shown a key, so they get no ticket for a login.
fn readable(entry: &Entry) -> Result<&Arc<Offer>, CallError> {
    const LATER: Duration = Duration::from_secs(5);
    entry.offer().map_err(|error| match error {
        CallError::LoginNeeded(login) => {
            let reason =
                format!("the server needs authorization: {}; log in at {}", login.reason, login.page);
            CallError::Unavailable { reason, retry_after: LATER }
        }
        error => error,
    })
}

fn only<'s>(gateway: &Gateway, snapshot: &'s Snapshot) -> Option<&'s Entry> {
    (gateway.mounting == Mounting::Single).then(|| snapshot.only()).flatten()
}

/// The tool that the rest of a path names. A trailing slash is forgiven where no tool bears it.
fn find_tool<'o>(offer: &'o Offer, rest: &str) -> Option<(&'o Tool, &'o Meter)> {
    let name = rest.strip_prefix('/').unwrap_or(rest);
    let find = |name: &str| offer.tool(&path::decode(name)?);
    find(name).or_else(|| find(name.strip_suffix('/')?))
}

fn server_page(request: &HttpRequest, entry: &Entry) -> HttpResponse {
    match entry.offer() {
        Ok(offer) => docs::page(request, &offer.title),
        Err(CallError::LoginNeeded(login)) => pages::login_needed(&entry.session.config().name, &login),
        Err(error) => pages::waiting(&entry.session.config().name, &error.to_string()),
    }
}

/// Redirects are relative, so that they hold behind any prefix.
fn redirect(to: &str) -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, to)).finish()
}
