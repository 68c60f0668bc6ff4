//! `/healthz` and `/readyz`, which are public, reveal only the state and are documented through paperclip.

use std::fmt;

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode, web::Data};
use paperclip::actix::{Apiv2Schema, api_v2_errors, api_v2_operation, web::Json};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{config::Readiness, http::context::RequestContext};

/// The state that decides whether the gateway is ready.
pub(in crate::http) struct Lifecycle {
    /// How many servers must be connected.
    pub(in crate::http) readiness: Readiness,
    /// Cancelled when the gateway starts to shut down and is no longer ready.
    pub(in crate::http) draining: CancellationToken,
}

/// The state.
#[derive(Debug, Clone, Serialize, Apiv2Schema)]
pub(in crate::http) struct HealthStatus {
    /// One word.
    status: String,
}

/// Too few servers are ready.
#[api_v2_errors(503, description = "No server is connected yet; with `--ready all`, not every one")]
#[derive(Debug)]
pub(in crate::http) struct NotReady(HealthStatus);

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
pub(in crate::http) async fn healthz() -> Json<HealthStatus> {
    Json(HealthStatus { status: "ok".into() })
}

#[api_v2_operation(
    summary = "Readiness: at least one server is connected; with `--ready all`, every one",
    operation_id = "readyz",
    tags(gateway)
)]
pub(in crate::http) async fn readyz(
    request: HttpRequest,
    lifecycle: Data<Lifecycle>,
) -> Result<Json<HealthStatus>, NotReady> {
    let enough = RequestContext::of(&request).take_snapshot().is_ready(lifecycle.readiness);
    let ready = enough && !lifecycle.draining.is_cancelled();
    let state = HealthStatus { status: if ready { "ready" } else { "not ready" }.into() };
    if ready { Ok(Json(state)) } else { Err(NotReady(state)) }
}
