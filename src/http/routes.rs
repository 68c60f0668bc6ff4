//! The table of the gateway's own routes: path, access policy and handler of each.
//!
//! Both applications are built from this table and the authentication layer reads it, so every route that is served is
//! listed here. All other paths go to the handler of servers' routes.

use std::{iter, sync::LazyLock};

use actix_web::{
    Resource,
    dev::ResourceDef,
    guard::{Guard, GuardContext, fn_guard},
    http::Method,
    web::{self, ServiceConfig},
};
use paperclip::actix::{OpenApiExt as _, web as api};

use serde_json::{Map, Value};

use self::AccessPolicy::{HandlerDecides, Public, Reader};
use super::handlers::{documents, health, login, metrics, resource_metadata, status, status_page};
use crate::{access, oauth, openapi::OwnRoutes};

static ROUTES: [Route; 18] = [
    documented("/healthz", Public, |it| {
        it.route(api::get().to(health::healthz)).route(api::head().to(health::healthz))
    })
    .on(Port::Both),
    documented("/readyz", Public, |it| {
        it.route(api::get().to(health::readyz)).route(api::head().to(health::readyz))
    })
    .on(Port::Both),
    // Its handler requires a credential even if documents are open.
    documented("/status", Reader, |it| {
        it.route(api::get().to(status::status)).route(api::head().to(status::status))
    }),
    read("/metrics", Reader, |it| it.to(metrics::metrics)).on(Port::Metrics),
    read("/openapi.json", Reader, |it| it.to(documents::root_document)),
    read("/docs", Reader, |it| it.to(documents::root_page)),
    read("/redoc", Reader, |it| it.to(documents::to_docs)),
    read("/docs/start.js", Reader, |it| it.to(documents::start)),
    read("/docs/assets/swagger-ui.css", Reader, |it| it.to(documents::style)),
    read("/docs/assets/swagger-ui-bundle.js", Reader, |it| it.to(documents::script)),
    read("/", Reader, |it| it.to(status_page::page)),
    read("/docs/status.css", Reader, |it| it.to(status_page::style)),
    read("/docs/status.js", Reader, |it| it.to(status_page::script)),
    // Authorization servers fetch our metadata, and redirect browsers here that have no API key.
    read(oauth::DOCUMENT_PATH, Public, |it| it.to(login::client_metadata)),
    get(oauth::CALLBACK_PATH, Public, |it| it.to(login::callback)),
    get("/oauth/{server}/login", HandlerDecides, |it| it.to(login::begin)),
    read(access::METADATA_PATH, HandlerDecides, |it| it.to(resource_metadata::metadata)),
    // RFC 9728 section 3.1 appends the path of the base URL.
    read("/.well-known/oauth-protected-resource/{path}*", HandlerDecides, |it| {
        it.to(resource_metadata::metadata)
    }),
];

static PATTERNS: LazyLock<Vec<ResourceDef>> =
    LazyLock::new(|| ROUTES.iter().map(|route| ResourceDef::new(route.path)).collect());

/// One of the gateway's own routes.
///
/// With another method, its path may be a tool's.
pub(super) struct Route {
    path: &'static str,
    policy: AccessPolicy,
    /// The methods that it accepts, in the form of the `Allow` header (RFC 9110 section 10.2.1).
    pub(super) allow: &'static str,
    port: Port,
    handler: RouteHandler,
}

/// Which requests a route admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccessPolicy {
    /// All requests, with the same response for every caller.
    Public,
    /// All requests pass the authentication layer; the handler requires a credential or a ticket.
    HandlerDecides,
    /// Requests with a credential if authentication is strict, else all.
    ///
    /// The response may depend on the caller.
    Reader,
    /// Requests with a credential.
    Caller,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Port {
    Main,
    /// The port of `--metrics-port`, or the main port without that option.
    Metrics,
    Both,
}

/// The function that adds the route's handlers to its resource.
enum RouteHandler {
    Plain(fn(Resource) -> Resource),
    /// Documented by paperclip.
    Documented(fn(api::Resource) -> api::Resource),
}

const fn read(path: &'static str, policy: AccessPolicy, handler: fn(Resource) -> Resource) -> Route {
    Route { path, policy, allow: "GET, HEAD", port: Port::Main, handler: RouteHandler::Plain(handler) }
}

/// Excludes HEAD, for routes whose GET has an effect.
const fn get(path: &'static str, policy: AccessPolicy, handler: fn(Resource) -> Resource) -> Route {
    Route { allow: "GET", ..read(path, policy, handler) }
}

const fn documented(
    path: &'static str,
    policy: AccessPolicy,
    handler: fn(api::Resource) -> api::Resource,
) -> Route {
    Route { path, policy, allow: "GET, HEAD", port: Port::Main, handler: RouteHandler::Documented(handler) }
}

impl Route {
    const fn on(self, port: Port) -> Self {
        Self { port, ..self }
    }

    fn takes(&self, method: &Method) -> bool {
        self.allow.split(", ").any(|allowed| method == allowed)
    }

    fn methods(&'static self) -> impl Guard + 'static {
        fn_guard(|context: &GuardContext<'_>| self.takes(&context.head().method))
    }
}

/// Returns the routes of the main port.
pub(super) fn of_main(metrics_apart: bool) -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(move |route| route.port != Port::Metrics || !metrics_apart)
}

/// Returns the routes of a separate metrics port.
pub(super) fn of_metrics() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.port != Port::Main)
}

/// Adds those of `routes` that paperclip documents.
pub(super) fn add_documented(
    routes: impl Iterator<Item = &'static Route>,
    config: &mut api::ServiceConfig<'_>,
) {
    for route in routes {
        if let RouteHandler::Documented(add) = route.handler {
            config.service(add(api::resource(route.path).guard(route.methods())));
        }
    }
}

/// Adds those of `routes` that paperclip does not document.
pub(super) fn add_plain(routes: impl Iterator<Item = &'static Route>, config: &mut ServiceConfig) {
    for route in routes {
        if let RouteHandler::Plain(add) = route.handler {
            config.service(add(web::resource(route.path).guard(route.methods())));
        }
    }
}

/// Finds the route of the main port at this path, which must be spelled exactly as documented.
pub(super) fn find(path: &str, metrics_apart: bool) -> Option<&'static Route> {
    let mut all = iter::zip(&ROUTES, &*PATTERNS);
    let (route, _) = all.find(|(_, pattern)| pattern.is_match(path))?;
    (route.port != Port::Metrics || !metrics_apart).then_some(route)
}

/// Returns the access policy of a request.
///
/// The policy does not depend on what the path resolves to, so no other spelling of a path can bypass it. Preflights
/// are answered before.
pub(super) fn policy(method: &Method, path: &str) -> AccessPolicy {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => {
            find(path, false).filter(|route| route.takes(method)).map_or(Reader, |route| route.policy)
        }
        _ => AccessPolicy::Caller,
    }
}

/// Returns all path patterns, so that tests can try each.
pub fn own_paths() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.path)
}

/// Returns the routes that paperclip documents, for the root document.
pub fn own_routes() -> OwnRoutes {
    let mut document = Value::Null;
    // paperclip only hands out the document while an application is built, so one is built and dropped.
    let _ = actix_web::App::new()
        .wrap_api()
        .configure(|config| add_documented(of_main(false), config))
        .with_raw_json_spec_v3(|app, json| {
            document = json;
            app
        })
        .build();
    // HEAD is implied by GET, and operation ids must be unique.
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        item.remove("head");
    }
    OwnRoutes::new(document)
}
