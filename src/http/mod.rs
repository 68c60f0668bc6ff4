//! The HTTP server: the layers that a request passes, and the handlers that respond to it.
//!
//! Actix workers only borrow handles, while sessions live on the main runtime. Routes (`routes.rs`) never change; their
//! servers and tools are looked up in the snapshot that the request's context holds.

mod audit;
mod call;
mod client;
mod connection;
mod context;
mod error;
mod handlers;
mod hosts;
mod layers;
mod loopback;
mod observability;
mod pages;
mod path;
mod routes;
mod services;
mod slices;

pub use audit::AuditLog;
pub use client::Front;
pub use connection::ClientConnection;
pub use hosts::Hosts;
pub(crate) use loopback::LAST_PAGE;
pub use loopback::{Loopback, Return};
pub use observability::Observability;
pub use routes::{own_paths, own_routes};
pub use services::Services;
pub(crate) use slices::SLICE;

use actix_web::{
    App, ResponseError as _,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web,
};
use paperclip::actix::OpenApiExt as _;

use self::error::ApiError;

/// Builds the application of one worker.
///
/// Layers, outermost first:
/// 1. The request is under way until its response is written, and large responses are written in slices.
/// 2. The request gets its context: its id, the client's address, the path below the root path, and the snapshot.
/// 3. Every response gets security headers.
/// 4. Errors become HTML pages for people at a browser.
/// 5. Requests for another host are refused.
/// 6. Every response gets CORS headers, and writes from foreign origins are refused.
/// 7. The caller is authenticated, before anything is looked up.
pub fn app(
    services: Services,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let metrics_apart = services.observability.metrics_apart;
    App::new()
        .wrap_api()
        .configure(|config| routes::add_documented(routes::of_main(metrics_apart), config))
        .build()
        .configure(|config| services.provide(config))
        .configure(|config| routes::add_plain(routes::of_main(metrics_apart), config))
        .default_service(web::to(handlers::servers::serve))
        .wrap(from_fn(layers::authentication))
        .wrap(from_fn(layers::cors))
        .wrap(from_fn(layers::host))
        .wrap(from_fn(layers::error_pages))
        .wrap(layers::security_headers())
        .wrap(from_fn(layers::context))
        .wrap(from_fn(layers::exchange))
}

/// Builds the application of a port that only serves metrics.
///
/// It needs no authentication, because no tool can be called there.
pub fn metrics_app(
    services: Services,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .wrap_api()
        .configure(|config| routes::add_documented(routes::of_metrics(), config))
        .build()
        .configure(|config| services.provide(config))
        .configure(|config| routes::add_plain(routes::of_metrics(), config))
        .default_service(web::to(async || ApiError::NotFound.error_response()))
        .wrap(from_fn(layers::host))
        .wrap(from_fn(layers::context))
        .wrap(from_fn(layers::exchange))
}
