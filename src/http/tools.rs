//! `POST /{server}/{tool}`: the path of a call.

use actix_web::{HttpRequest, HttpResponse, http::header::ContentType, web::Payload};
use tracing::{debug, warn};

use super::{body, error::ApiError, result};
use crate::{catalogue::Tool, upstream::Session};

/// Calls `tool` with what the request brings.
pub(super) async fn call(
    session: &Session,
    tool: &Tool,
    request: &HttpRequest,
    payload: Payload,
    max_body: usize,
) -> Result<HttpResponse, ApiError> {
    let config = session.config();
    let answer = async {
        let body = body::read(request, payload, max_body).await?;
        let arguments = body::parse(request, &body, &tool.arguments)?;
        let arguments = tool.arguments.check(arguments).map_err(ApiError::Invalid)?;
        let raw = session.call(&tool.name, &arguments).await?;
        result::body(tool, config.results, &raw)
    };
    match answer.await {
        Ok(body) => {
            debug!(server = config.name, tool = tool.name, "called");
            Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body))
        }
        Err(error) => {
            match &error {
                // What only the caller can mend is no news to the operator.
                ApiError::Call(reason) => {
                    warn!(server = config.name, tool = tool.name, %reason, "call failed");
                }
                _ => debug!(server = config.name, tool = tool.name, "the call ended with an error"),
            }
            Err(error)
        }
    }
}
