//! `/healthz` and `/readyz`: open to everyone, saying nothing but the state. Documented through paperclip, and `/status`
//! with them.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode, web::Data};
use paperclip::actix::{Apiv2Schema, OpenApiExt, api_v2_errors, api_v2_operation, web::Json};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{routes, state::Gateway};

/// The state.
#[derive(Debug, Clone, Serialize, Apiv2Schema)]
pub(super) struct State {
    /// One word.
    status: String,
}

/// Too few servers are ready.
#[api_v2_errors(503, description = "No server is connected yet; with `--ready all`, not every one")]
#[derive(Debug)]
pub(super) struct NotReady(State);

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.status)
    }
}

impl ResponseError for NotReady {
    fn status_code(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(&self.0)
    }
}

#[api_v2_operation(summary = "Liveness", operation_id = "healthz", tags(gateway))]
pub(super) async fn healthz() -> Json<State> {
    Json(State { status: "ok".into() })
}

#[api_v2_operation(
    summary = "Readiness: at least one server is connected; with `--ready all`, every one",
    operation_id = "readyz",
    tags(gateway)
)]
pub(super) async fn readyz(gateway: Data<Gateway>) -> Result<Json<State>, NotReady> {
    let ready = gateway.snapshot().ready(gateway.readiness) && !gateway.draining.is_cancelled();
    let state = State { status: if ready { "ready" } else { "not ready" }.into() };
    if ready { Ok(Json(state)) } else { Err(NotReady(state)) }
}

/// The OpenAPI 3.0 document of the routes that paperclip describes, as it writes it.
pub(super) fn document() -> Value {
    let mut document = Value::Null;
    // paperclip gives the document away while an application is built; this one serves nobody.
    let _ = actix_web::App::new()
        .wrap_api()
        .configure(|config| routes::add_documented(routes::of_main(false), config))
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
