//! `/healthz` and `/readyz`: open to everyone, saying nothing but the state; `/readyz?detail` tells who holds the key
//! of each server. Documented through paperclip.

use std::fmt;

use actix_web::{HttpRequest, ResponseError, http::StatusCode, web::Data};
use paperclip::actix::{
    Apiv2Schema, OpenApiExt, api_v2_errors, api_v2_operation,
    web::{self, Json, ServiceConfig},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{error::ApiError, guard, state::Gateway};
use crate::upstream::Status;

/// The paths that no guard closes.
pub(super) const PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// The state.
#[derive(Debug, Clone, Serialize, Apiv2Schema)]
pub(super) struct State {
    /// One word.
    status: String,
    /// Each server, where `?detail` asks for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    servers: Vec<ServerState>,
}

/// One server's state.
#[derive(Debug, Clone, Serialize, Apiv2Schema)]
struct ServerState {
    /// Its name.
    name: String,
    /// "connecting", "ready", "needs authorization", "not connected" or "stopped".
    status: String,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Where to log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_url: Option<String>,
}

impl ServerState {
    fn of(name: &str, status: &Status) -> Self {
        let (status, reason, login) = match status {
            Status::Connecting => ("connecting", None, None),
            Status::Ready(_) => ("ready", None, None),
            Status::NeedsAuthorization(login) => {
                ("needs authorization", Some(login.reason.clone()), Some(login.url.to_string()))
            }
            Status::Down { reason, .. } => ("not connected", Some(reason.clone()), None),
            Status::Stopped => ("stopped", None, None),
        };
        Self { name: name.to_owned(), status: status.to_owned(), reason, authorization_url: login }
    }
}

/// Why the readiness is not told.
#[api_v2_errors(
    401,
    description = "The detail needs the API key",
    503,
    description = "No server is connected yet"
)]
#[derive(Debug)]
enum NotReady {
    Guarded(ApiError),
    NotReady(State),
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guarded(error) => error.fmt(f),
            Self::NotReady(state) => f.write_str(&state.status),
        }
    }
}

impl ResponseError for NotReady {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Guarded(error) => error.status_code(),
            Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> actix_web::HttpResponse {
        match self {
            Self::Guarded(error) => error.error_response(),
            Self::NotReady(state) => actix_web::HttpResponse::build(self.status_code()).json(state),
        }
    }
}

#[api_v2_operation(summary = "Liveness", operation_id = "healthz", tags(gateway))]
async fn healthz() -> Json<State> {
    Json(State { status: "ok".into(), servers: vec![] })
}

#[api_v2_operation(
    summary = "Readiness: at least one server is connected",
    operation_id = "readyz",
    tags(gateway)
)]
async fn readyz(request: HttpRequest, gateway: Data<Gateway>) -> Result<Json<State>, NotReady> {
    let snapshot = gateway.snapshot();
    let mut servers = vec![];
    if url::form_urlencoded::parse(request.query_string().as_bytes()).any(|(name, _)| name == "detail") {
        guard::ask(&gateway.guard, request.headers()).map_err(NotReady::Guarded)?;
        servers.extend(
            snapshot.sessions().map(|(name, session)| ServerState::of(name, &session.status().borrow())),
        );
    }
    let ready = snapshot.ready() && !gateway.draining.is_cancelled();
    let state = State { status: if ready { "ready" } else { "not ready" }.into(), servers };
    if ready { Ok(Json(state)) } else { Err(NotReady::NotReady(state)) }
}

/// Adds the routes. Other methods are left to the catch-all: a tool may bear these names.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    let resource = |path| web::resource(path).guard(super::get_or_head());
    config
        .service(resource(PATHS[0]).route(web::get().to(healthz)).route(web::head().to(healthz)))
        .service(resource(PATHS[1]).route(web::get().to(readyz)).route(web::head().to(readyz)));
}

/// The OpenAPI 3.0 document of these routes, as paperclip writes it.
pub(super) fn document() -> Value {
    let mut document = Value::Null;
    // paperclip gives the document away while an application is built; this one serves nobody.
    let _ = actix_web::App::new()
        .wrap_api()
        .configure(routes)
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
    document
}
