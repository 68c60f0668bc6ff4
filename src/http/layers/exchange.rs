//! The outermost layer: a request is under way until its response is written, and large responses are counted and written
//! in slices.
//!
//! Invariant: a response that is larger than a slice is shared, or its client holds it.

use std::{
    error,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, ResponseError as _,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use bytes::Bytes;

use crate::{
    held::{Full, Hold},
    http::{
        connection::{ClientConnection, RequestUnderWay},
        context::RequestContext,
        error::ApiError,
        slices::{SLICE, Slices},
    },
};

/// The body of a response, with the request that it ends.
pub(in crate::http) struct ResponseBody<B> {
    body: EitherBody<B, BoxBody>,
    /// Ends with the body, because the next request begins then.
    _request: Option<RequestUnderWay>,
}

impl<B: MessageBody + Unpin + 'static> MessageBody for ResponseBody<B> {
    type Error = Box<dyn error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx).map_err(Into::into)
    }
}

/// Marks a request as under way, and cuts its response into slices.
pub(in crate::http) async fn exchange<B: MessageBody + Unpin>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<ResponseBody<B>>, Error> {
    let under_way = request.conn_data::<Rc<ClientConnection>>().map(ClientConnection::begin);
    let response = next.call(request).await?;
    let response = match response.response().body().size() {
        BodySize::Sized(size) if size > SLICE as u64 => sliced(response),
        _ => response.map_into_left_body(),
    };
    Ok(response.map_body(|_, body| ResponseBody { body, _request: under_way }))
}

/// Cuts the body of a response into slices, unless it comes in slices already.
///
/// If its client may hold no more, the response becomes an error; an error only loses its text.
fn sliced<B: MessageBody>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B, BoxBody>> {
    let context = RequestContext::of(response.request());
    let mut refused: Option<Full> = None;
    let response = response.map_body(|_, body| match body.try_into_bytes() {
        Err(slices) => EitherBody::left(slices),
        Ok(body) => {
            let mut hold = Hold::default();
            refused = hold.resize_by(|| context.holder(), body.len()).err();
            let body = if refused.is_some() { Bytes::new() } else { body };
            EitherBody::right(BoxBody::new(Slices::of_one(body, hold)))
        }
    });
    match refused {
        Some(full) if response.status().is_success() => {
            response.into_response(ApiError::NoRoom(full).error_response().map_into_right_body())
        }
        Some(full) => {
            let told = ApiError::NoRoom(full).error_response().into_body();
            response.map_body(|_, _| EitherBody::right(told))
        }
        None => response,
    }
}
