//! Server-sent events, read as browsers read them (HTML Standard, section 9.2.6): what a line means or does not mean
//! ends no stream.
//!
//! Invariant: the decoder holds one event of at most its limit, whatever the stream brings; comments count for nothing.

use std::time::Duration;

use bytes::{Buf, Bytes};

use crate::{held::SMALL, upstream::protocol::error::TransportError};

/// The longest name of an event that is kept, in bytes.
const LONGEST_NAME: usize = 64;
/// A longer id is not kept, in bytes: it would come back as a header.
const LONGEST_ID: usize = 1024;

/// One event that brought data.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name, if it has one.
    pub(super) name: Option<String>,
    /// Its data, as it came: nothing says that it is UTF-8.
    pub(super) data: Vec<u8>,
}

/// Takes a stream's bytes and gives its events.
pub(super) struct Decoder {
    /// The largest event that is taken, in bytes.
    pub(super) limit: usize,
    /// Bytes that are still to be read.
    input: Bytes,
    /// The line that is being read.
    line: Vec<u8>,
    /// Whether the last line ended with CR: a LF that follows belongs to it.
    after_cr: bool,
    /// Whether a byte order mark may still come.
    at_start: bool,
    event: Event,
    /// The bytes received that belong to no event: comments, and fields without data. The reader charges and resets it.
    pub(super) ignored: usize,
    /// The id of the last event (`Last-Event-ID`).
    pub(super) last_id: Option<Vec<u8>>,
    /// How long the server wants a client to wait before it comes back.
    pub(super) retry: Option<Duration>,
}

impl Decoder {
    /// A decoder that takes events of at most about `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            input: Bytes::new(),
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            event: Event::default(),
            ignored: 0,
            last_id: None,
            retry: None,
        }
    }

    /// How many bytes of an event have come.
    pub(super) fn len(&self) -> usize {
        self.line.len() + self.event.data.len()
    }

    /// Goes on with another stream. What the one before it has left undone is void.
    pub(super) fn restart(&mut self) {
        let (last_id, retry) = (self.last_id.take(), self.retry);
        *self = Self { last_id, retry, ..Self::new(self.limit) };
    }

    /// Takes the next bytes of the stream; to be called once [`Self::next`] has given all events of those before.
    pub(super) fn feed(&mut self, input: Bytes) {
        debug_assert!(self.input.is_empty());
        self.input = input;
    }

    /// The next event of the bytes taken, or `None` once all of them are read.
    ///
    /// # Errors
    ///
    /// [`TransportError::TooLarge`] if an event is larger than the limit.
    pub(super) fn next(&mut self) -> Result<Option<Event>, TransportError> {
        while !self.input.is_empty() {
            let end = memchr::memchr2(b'\n', b'\r', &self.input);
            let part = self.input.split_to(end.unwrap_or(self.input.len()));
            let comment = self.line.first().or(part.first()) == Some(&b':');
            if !comment && self.len() + part.len() > self.limit {
                return Err(TransportError::TooLarge(self.limit));
            }
            if !part.is_empty() {
                self.after_cr = false;
                // What a comment says is not kept, however long it is.
                let kept = if !comment { part.len() } else { usize::from(self.line.is_empty()) };
                self.ignored += part.len() - kept;
                self.line.extend_from_slice(&part[..kept]);
            }
            if end.is_some() {
                let cr = self.input.get_u8() == b'\r';
                let rest_of_crlf = self.after_cr && !cr;
                self.after_cr = cr;
                if !rest_of_crlf && let Some(event) = self.end_line() {
                    return Ok(Some(event));
                }
            }
        }
        Ok(None)
    }

    /// The event that the end of the stream has cut short. By the letter of the standard it does not count; a server
    /// that closes the connection right after an answer means it all the same.
    pub(super) fn finish(&mut self) -> Option<Event> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.dispatch()
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let mut text = line.as_slice();
        if std::mem::take(&mut self.at_start) {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        let event = if text.is_empty() { self.dispatch() } else { None };
        let data = self.event.data.len();
        self.take_field(text);
        if event.is_none() && self.event.data.len() == data {
            self.ignored += text.len() + 1;
        }
        // The memory serves the next line, unless it is much.
        if line.capacity() <= SMALL {
            self.line = line;
            self.line.clear();
        }
        event
    }

    fn take_field(&mut self, line: &[u8]) {
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = colon.map_or((line, &[][..]), |colon| (&line[..colon], &line[colon + 1..]));
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            // Longer names mean nothing to mcpo, and are not counted.
            b"event" if value.len() <= LONGEST_NAME => {
                self.event.name = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"data" => {
                self.event.data.extend_from_slice(value);
                self.event.data.push(b'\n');
            }
            b"id" if !value.contains(&0) && value.len() <= LONGEST_ID => {
                self.last_id = Some(value.to_owned());
            }
            // An answer whose server has only named its type.
            _ if matches!(line.first(), Some(b'{' | b'[')) => {
                self.event.data.extend_from_slice(line);
                self.event.data.push(b'\n');
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let milliseconds = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                self.retry = Some(milliseconds.map_or(Duration::MAX, Duration::from_millis));
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Event> {
        let mut event = std::mem::take(&mut self.event);
        event.data.pop();
        (!event.data.is_empty()).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1 << 10;

    /// The events of a stream that comes in parts of `size` bytes.
    fn events(decoder: &mut Decoder, stream: &[u8], size: usize) -> Vec<(Option<String>, String)> {
        let mut events = Vec::new();
        for part in stream.chunks(size) {
            decoder.feed(Bytes::copy_from_slice(part));
            while let Some(event) = decoder.next().unwrap() {
                events.push(event);
            }
        }
        events.extend(decoder.finish());
        events.into_iter().map(|event| (event.name, String::from_utf8(event.data).unwrap())).collect()
    }

    #[test]
    fn every_form_gives_the_same_event() {
        for stream in [
            "data: {\"a\":1}\n\n",
            "data: {\"a\":1}\r\n\r\n",
            "data: {\"a\":1}\r\r",
            "data:{\"a\":1}\n\n",
            "\u{feff}data: {\"a\":1}\n\n",
            ": comment\n\ndata:\n\ndata: \n\nping\n\nfoo: bar\nid\nretry: 1.5\nretry:\ndata: {\"a\":1}\n\n: end",
            "data: {\"a\":1}\n",
            "data: {\"a\":1}",
        ] {
            for size in [1, 2, 3, 7, 1000] {
                let found = events(&mut Decoder::new(LIMIT), stream.as_bytes(), size);
                assert_eq!(found, [(None, "{\"a\":1}".to_owned())], "{stream:?} by {size}");
            }
        }
    }

    #[test]
    fn fields_of_one_event_belong_together() {
        let mut decoder = Decoder::new(LIMIT);
        let stream =
            "event: endpoint\r\ndata: a\r\ndata:  b\r\nid: 7\r\nretry: 250\r\n\r\nid: \0\ndata: é\n\n";
        let found = events(&mut decoder, stream.as_bytes(), 1);
        assert_eq!(found, [(Some("endpoint".into()), "a\n b".into()), (None, "é".into())]);
        assert_eq!((decoder.last_id, decoder.retry), (Some(b"7".to_vec()), Some(Duration::from_millis(250))));
    }

    #[test]
    fn events_are_bounded_and_comments_are_free() {
        let mut decoder = Decoder::new(20);
        assert!(events(&mut decoder, ": 0123456789\n".repeat(100).as_bytes(), 50).is_empty());
        for size in [7, 10_000] {
            assert!(events(&mut decoder, format!(": {}\n\n", "x".repeat(1000)).as_bytes(), size).is_empty());
        }
        assert!(decoder.line.capacity() <= 64, "{}", decoder.line.capacity());
        let long = "9".repeat(LONGEST_ID + 1);
        let mut decoder = Decoder::new(2 * LIMIT);
        events(&mut decoder, format!("id: 1\ndata: a\n\nid: {long}\ndata: b\n\n").as_bytes(), 100);
        assert_eq!(decoder.last_id.as_deref(), Some(&b"1"[..]));
        let mut decoder = Decoder::new(20);
        decoder.feed(Bytes::from("data: 0123456789\ndata: 0123456789\n\n"));
        assert!(matches!(decoder.next(), Err(TransportError::TooLarge(20))));
        let mut decoder = Decoder::new(20);
        decoder.feed(Bytes::from("x".repeat(21)));
        assert!(matches!(decoder.next(), Err(TransportError::TooLarge(20))));
    }
}
