//! `POST /{server}/{tool}`: the path of a call.

use actix_web::{HttpRequest, HttpResponse, http::header::ContentType, web::Payload};
use tracing::{debug, warn};

use super::{body, error::ApiError, result, state::Entry};

/// Calls `tool` on the server behind `entry`.
pub(super) async fn call(
    entry: &Entry,
    tool: &str,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let offer = entry.offer()?;
    let tool = offer.catalogue.tools.get(tool).ok_or(ApiError::NotFound)?;
    let body = body::read(request, payload).await?;
    let arguments = body::parse(request, body, &tool.arguments)?;
    let arguments = tool.arguments.check(&arguments).map_err(ApiError::Invalid)?;
    let config = entry.session.config();
    let answer = match entry.session.call(&tool.name, &arguments).await {
        Ok(raw) => result::body(tool, config.results, &raw),
        Err(error) => Err(error.into()),
    };
    match &answer {
        Ok(_) => debug!(server = config.name, tool = tool.name, "called"),
        Err(ApiError::Tool(_)) => {
            debug!(server = config.name, tool = tool.name, "the tool reported an error")
        }
        Err(error) => warn!(server = config.name, tool = tool.name, %error, "call failed"),
    }
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(answer?))
}
