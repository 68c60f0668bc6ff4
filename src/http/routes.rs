//! Every route of the gateway's own on one screen: its path, its access policy, and its handler.
//!
//! Both applications are built from this list and the authentication reads it, so nothing is served that is not in it.
//! Every other path leads to the handler of servers' routes.

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
    // Its handler asks for a credential even if documents are open.
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
    // An authorization server reads our metadata, and sends browsers back that have shown no key.
    read(oauth::DOCUMENT_PATH, Public, |it| it.to(login::client_metadata)),
    get(oauth::CALLBACK_PATH, Public, |it| it.to(login::callback)),
    get("/oauth/{server}/login", HandlerDecides, |it| it.to(login::begin)),
    read(access::METADATA_PATH, HandlerDecides, |it| it.to(resource_metadata::metadata)),
    // The path of the base URL may follow: RFC 9728 section 3.1 looks there.
    read("/.well-known/oauth-protected-resource/{path}*", HandlerDecides, |it| {
        it.to(resource_metadata::metadata)
    }),
];

static PATTERNS: LazyLock<Vec<ResourceDef>> =
    LazyLock::new(|| ROUTES.iter().map(|route| ResourceDef::new(route.path)).collect());

/// A route of the gateway's own. For other methods its path may be a tool's.
pub(super) struct Route {
    path: &'static str,
    policy: AccessPolicy,
    /// The methods that it takes, as `Allow` names them (RFC 9110 section 10.2.1).
    pub(super) allow: &'static str,
    port: Port,
    handler: RouteHandler,
}

/// Which requests a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccessPolicy {
    /// All. Nothing depends on the caller.
    Public,
    /// All, as far as the authentication is concerned: the handler asks for a credential or a ticket.
    HandlerDecides,
    /// Those with a credential if authentication is strict, else all. What is shown may depend on the caller.
    Reader,
    /// Those with a credential.
    Caller,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Port {
    Main,
    /// The port of `--metrics-port`, or the main one without it.
    Metrics,
    Both,
}

/// The function that answers.
enum RouteHandler {
    Plain(fn(Resource) -> Resource),
    /// Described by paperclip.
    Documented(fn(api::Resource) -> api::Resource),
}

const fn read(path: &'static str, policy: AccessPolicy, handler: fn(Resource) -> Resource) -> Route {
    Route { path, policy, allow: "GET, HEAD", port: Port::Main, handler: RouteHandler::Plain(handler) }
}

/// For routes whose GET has an effect, which HEAD must not have.
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

/// The routes of the main port.
pub(super) fn of_main(metrics_apart: bool) -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(move |route| route.port != Port::Metrics || !metrics_apart)
}

/// The routes of a port for metrics alone.
pub(super) fn of_metrics() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.port != Port::Main)
}

/// Adds those of `routes` that paperclip describes.
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

/// Adds the others of `routes`.
pub(super) fn add_plain(routes: impl Iterator<Item = &'static Route>, config: &mut ServiceConfig) {
    for route in routes {
        if let RouteHandler::Plain(add) = route.handler {
            config.service(add(web::resource(route.path).guard(route.methods())));
        }
    }
}

/// The route of the main port at this path, which has to be spelled as a client would.
pub(super) fn find(path: &str, metrics_apart: bool) -> Option<&'static Route> {
    let mut all = iter::zip(&ROUTES, &*PATTERNS);
    let (route, _) = all.find(|(_, pattern)| pattern.is_match(path))?;
    (route.port != Port::Metrics || !metrics_apart).then_some(route)
}

/// Returns the access policy of a request. It does not depend on what the path leads to, so no spelling of a path gets
/// round it. Preflights are answered before.
pub(super) fn policy(method: &Method, path: &str) -> AccessPolicy {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => {
            find(path, false).filter(|route| route.takes(method)).map_or(Reader, |route| route.policy)
        }
        _ => AccessPolicy::Caller,
    }
}

/// The patterns of all paths here, for tests of each.
pub fn own_paths() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.path)
}

/// Returns the routes that paperclip describes, for the root document.
pub fn own_routes() -> OwnRoutes {
    let mut document = Value::Null;
    // paperclip gives the document away while an application is built; this one serves nobody.
    let _ = actix_web::App::new()
        .wrap_api()
        .configure(|config| add_documented(of_main(false), config))
        .with_raw_json_spec_v3(|app, json| {
            document = json;
            app
        })
        .build();
    // HEAD goes without saying, and an operation id must not stand twice.
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        item.remove("head");
    }
    OwnRoutes::new(document)
}
