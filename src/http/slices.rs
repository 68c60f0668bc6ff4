//! The body of a large response, written in slices.
//!
//! Invariant: a connection holds a slice or two of its own. The rest is shared, and read only as fast as the client
//! takes it: a body in one piece would be copied whole into the connection's buffer.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

use crate::held::Hold;

/// The size of a slice, and of a body that needs none.
pub(crate) const SLICE: usize = 16 << 10;

/// A body in slices.
pub(super) struct Slices {
    rest: Bytes,
    /// Counts the body until the client has it.
    _hold: Hold,
}

impl Slices {
    /// A body that is of this response alone, which `hold` counts.
    pub(super) fn of_one(body: Bytes, hold: Hold) -> Self {
        Self { rest: body, _hold: hold }
    }

    /// A body that all responses share.
    pub(super) fn shared(body: Bytes) -> Self {
        Self::of_one(body, Hold::default())
    }
}

impl MessageBody for Slices {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let next = self.rest.len().min(SLICE);
        Poll::Ready((next > 0).then(|| Ok(self.rest.split_to(next))))
    }
}
