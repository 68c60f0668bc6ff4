//! What the fuzz targets feed: the readers of a server's bytes, which are private otherwise.

use std::sync::Arc;

use bytes::Bytes;
use rmcp::model::RequestId;

use super::{
    event_stream::Decoder,
    inbound::{Inbound, Outlets},
};
use crate::upstream::protocol::{
    error::TransportError,
    json_rpc::{frame::Frame, reply::FIRST_ID},
};

/// The largest message that is taken, in bytes.
const LIMIT: usize = 4 << 10;

/// Takes each line as what a server writes. Returns the answers to its own requests.
pub fn messages(bytes: &[u8]) -> Vec<Frame> {
    let (inbound, Outlets { mut messages, mut answers }) = Inbound::new("fuzzed", LIMIT, Arc::default());
    let _first = inbound.expect(FIRST_ID, true);
    for (id, method) in [(0, "server/discover"), (1, "initialize"), (2, "subscriptions/listen")] {
        inbound.expect_control(&RequestId::Number(id), method);
    }
    let mut answered = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if line.len() > LIMIT {
            let (head, tail) = line.split_at(LIMIT / 2);
            inbound.refuse(head, tail, TransportError::TooLarge(LIMIT));
        } else {
            inbound.accept(line);
        }
        while messages.try_recv().is_ok() {}
        answered.extend(std::iter::from_fn(|| answers.try_recv().ok()));
    }
    answered
}

/// The data of the events in a stream that comes in parts of `size` bytes, up to one that is too large.
pub fn events(stream: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::new(LIMIT);
    let mut events = Vec::new();
    for part in stream.chunks(size.max(1)) {
        decoder.feed(Bytes::copy_from_slice(part));
        loop {
            match decoder.next() {
                Ok(Some(event)) => events.push(event.data),
                Ok(None) => break,
                Err(_) => return events,
            }
        }
    }
    events.extend(decoder.finish().map(|event| event.data));
    events
}
