//! The bodies of answers, of bounded size.

use reqwest::Response;

/// Why a body cannot be had.
#[derive(Debug)]
pub(super) enum BodyError {
    /// The connection broke off.
    Lost(reqwest::Error),
    /// It is larger than the limit.
    TooLarge,
}

/// The whole body, of at most `limit` bytes.
///
/// # Errors
///
/// See [`BodyError`].
pub(super) async fn body(response: &mut Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Lost)? {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Returns the first `limit` bytes of a body, or fewer if the body ends or breaks off before.
pub async fn beginning(mut response: Response, limit: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= limit {
            body.truncate(limit);
            break;
        }
    }
    body
}
