//! Every route of the gateway's own on one screen: where it is, who may come in, and what answers.
//!
//! Both applications are built from this list and the guard asks it, so nothing is served that is not in it. Every other
//! path leads to the catch-all, and is a server's or nobody's.

use std::{iter, sync::LazyLock};

use actix_web::{
    Resource,
    dev::ResourceDef,
    guard::{Guard, GuardContext, fn_guard},
    http::Method,
    web::{self, ServiceConfig},
};
use paperclip::actix::web as api;

use self::Entrance::{Anybody, Asked, Reader};
use super::{docs, guard, health, home, login, metrics, root_document, root_page, status, to_docs};
use crate::oauth;

static ROUTES: [Route; 18] = [
    documented("/healthz", Anybody, |it| {
        it.route(api::get().to(health::healthz)).route(api::head().to(health::healthz))
    })
    .on(Port::Both),
    documented("/readyz", Anybody, |it| {
        it.route(api::get().to(health::readyz)).route(api::head().to(health::readyz))
    })
    .on(Port::Both),
    // It asks for a credential where documents are open, too.
    documented("/status", Reader, |it| {
        it.route(api::get().to(status::status)).route(api::head().to(status::status))
    }),
    read("/metrics", Reader, |it| it.to(metrics::metrics)).on(Port::Metrics),
    read("/openapi.json", Reader, |it| it.to(root_document)),
    read("/docs", Reader, |it| it.to(root_page)),
    read("/redoc", Reader, |it| it.to(to_docs)),
    read("/docs/start.js", Reader, |it| it.to(docs::start)),
    read("/docs/assets/swagger-ui.css", Reader, |it| it.to(docs::style)),
    read("/docs/assets/swagger-ui-bundle.js", Reader, |it| it.to(docs::script)),
    read("/", Reader, |it| it.to(home::page)),
    read("/docs/status.css", Reader, |it| it.to(home::style)),
    read("/docs/status.js", Reader, |it| it.to(home::script)),
    // An authorization server reads our metadata, and sends a browser back that has shown no key.
    read(oauth::DOCUMENT_PATH, Anybody, |it| it.to(login::document)),
    get(oauth::CALLBACK_PATH, Anybody, |it| it.to(login::callback)),
    get("/oauth/{server}/login", Asked, |it| it.to(login::begin)),
    read(guard::METADATA_PATH, Asked, |it| it.to(guard::metadata)),
    // The path of the base URL may stand behind it: that is where RFC 9728 section 3.1 looks.
    read("/.well-known/oauth-protected-resource/{path}*", Asked, |it| it.to(guard::metadata)),
];

static PATTERNS: LazyLock<Vec<ResourceDef>> =
    LazyLock::new(|| ROUTES.iter().map(|route| ResourceDef::new(route.path)).collect());

/// A route of the gateway's own. With methods that it does not take, its path may be a tool's.
pub(super) struct Route {
    path: &'static str,
    entrance: Entrance,
    /// The methods that it takes, as `Allow` names them (RFC 9110 section 10.2.1).
    pub(super) allow: &'static str,
    port: Port,
    handler: Handler,
}

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entrance {
    /// Whoever it is, and nothing depends on who it is.
    Anybody,
    /// Whoever it is, as far as the guard is concerned: what answers asks for a credential, or for a ticket.
    Asked,
    /// Who shows a credential where authentication is strict; else whoever it is, though what is shown may depend on it.
    Reader,
    /// Who shows a credential.
    Caller,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Port {
    Main,
    /// The port of `--metrics-port`; the main one where there is none.
    Metrics,
    Both,
}

/// What answers.
enum Handler {
    Plain(fn(Resource) -> Resource),
    /// Described by paperclip.
    Documented(fn(api::Resource) -> api::Resource),
}

const fn read(path: &'static str, entrance: Entrance, handler: fn(Resource) -> Resource) -> Route {
    Route { path, entrance, allow: "GET, HEAD", port: Port::Main, handler: Handler::Plain(handler) }
}

/// For what a mere look (HEAD) must not use up.
const fn get(path: &'static str, entrance: Entrance, handler: fn(Resource) -> Resource) -> Route {
    Route { allow: "GET", ..read(path, entrance, handler) }
}

const fn documented(
    path: &'static str,
    entrance: Entrance,
    handler: fn(api::Resource) -> api::Resource,
) -> Route {
    Route { path, entrance, allow: "GET, HEAD", port: Port::Main, handler: Handler::Documented(handler) }
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
        if let Handler::Documented(add) = route.handler {
            config.service(add(api::resource(route.path).guard(route.methods())));
        }
    }
}

/// Adds the others.
pub(super) fn add_plain(routes: impl Iterator<Item = &'static Route>, config: &mut ServiceConfig) {
    for route in routes {
        if let Handler::Plain(add) = route.handler {
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

/// Who may come in with this request.
///
/// It depends on nothing that the path leads to, so no spelling of a path gets round it. Preflights do not come so far.
pub(super) fn entrance(method: &Method, path: &str) -> Entrance {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => {
            find(path, false).filter(|route| route.takes(method)).map_or(Reader, |route| route.entrance)
        }
        _ => Entrance::Caller,
    }
}

/// The patterns of all paths here, for whoever tests each of them.
pub fn own_paths() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.path)
}
