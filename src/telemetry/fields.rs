//! The fields of events and spans: `name=value` for people, or the members of a JSON object.
//!
//! Invariant: no hidden character is in a value as it is, no value passes for another field, and all of them are at most
//! 7 KiB long. A value is cut while it is formatted, so a huge one takes no memory.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing_subscriber::fmt::format::Writer;

use crate::excerpt::{escape, is_hidden};

/// How many bytes the values of an event take at most, and each of them.
const EVENT: usize = 7 << 10;
const VALUE: usize = 4 << 10;
/// How many bytes a value may take that people read without quotes.
const SHORT: usize = 64;

/// Writes fields: `name=value` after one another, or the members of a JSON object.
pub(super) struct FieldWriter<'writer> {
    out: Writer<'writer>,
    json: bool,
    begun: bool,
    /// How many bytes are left for values.
    left: usize,
    pub(super) ended: fmt::Result,
}

impl<'writer> FieldWriter<'writer> {
    pub(super) fn new(out: Writer<'writer>, json: bool) -> Self {
        Self { out, json, begun: false, left: EVENT, ended: Ok(()) }
    }

    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Self) -> fmt::Result) {
        // Those that `log` has for the place in the source.
        if self.ended.is_ok() && !field.name().starts_with("log.") {
            self.ended = self.name(field.name()).and_then(|()| write(self));
        }
    }

    fn name(&mut self, name: &str) -> fmt::Result {
        let separator = if self.json { "," } else { " " };
        if std::mem::replace(&mut self.begun, true) {
            self.out.write_str(separator)?;
        }
        match (self.json, name) {
            (true, _) => write!(self.out, "\"{name}\":"),
            (false, "message") => Ok(()),
            (false, _) if self.out.has_ansi_escapes() => {
                write!(self.out, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m")
            }
            (false, _) => write!(self.out, "{name}="),
        }
    }

    /// Writes a text in quotes, unless `bare`.
    fn text(&mut self, text: fmt::Arguments<'_>, bare: bool) -> fmt::Result {
        let quote = if bare { "" } else { "\"" };
        self.out.write_str(quote)?;
        let room = self.left.min(VALUE);
        let mut value = EscapedText { out: &mut self.out, left: room, quoted: !bare, cut: false };
        // What fails is a value that is cut.
        let ended = value.write_fmt(text);
        let (left, cut) = (value.left, value.cut);
        self.left -= room - left;
        match ended {
            Err(_) if cut => self.out.write_char('…')?,
            ended => ended?,
        }
        self.out.write_str(quote)
    }

    /// Writes what is no plain string, which people read without quotes where none are needed.
    fn any(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        let mut buffer = String::new();
        let mut short = EscapedText { out: &mut buffer, left: SHORT, quoted: true, cut: false };
        let needs_none = short.write_fmt(text).is_ok() && !buffer.contains([' ', '=', '"', '\\']);
        if needs_none { self.out.write_str(&buffer) } else { self.text(text, false) }
    }
}

impl Visit for FieldWriter<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let bare = !self.json && field.name() == "message";
        self.field(field, |this| this.text(format_args!("{value}"), bare));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format_args!("{value:?}");
        match (self.json, field.name()) {
            (true, _) => self.field(field, |this| this.text(text, false)),
            (false, "message") => self.field(field, |this| this.text(text, true)),
            (false, _) => self.field(field, |this| this.any(text)),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |this| write!(this.out, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |this| write!(this.out, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no other numbers than finite ones.
        let finite = value.is_finite();
        self.field(
            field,
            |this| {
                if finite { write!(this.out, "{value}") } else { write!(this.out, "\"{value}\"") }
            },
        );
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |this| write!(this.out, "{value}"));
    }
}

/// Writes a value with its hidden characters escaped, and fails once it is too long.
struct EscapedText<'a> {
    out: &'a mut dyn fmt::Write,
    /// How many more bytes may be written.
    left: usize,
    quoted: bool,
    cut: bool,
}

impl fmt::Write for EscapedText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_special = |c: char| is_hidden(c) || self.quoted && matches!(c, '"' | '\\');
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let plain = rest.find(is_special).unwrap_or(rest.len());
            if plain > 0 {
                let fitting = rest.floor_char_boundary(plain.min(self.left));
                self.out.write_str(&rest[..fitting])?;
                self.left -= fitting;
                self.cut = fitting < plain;
                rest = &rest[fitting..];
            } else {
                let escaped = if is_hidden(next) { escape(next) } else { format!("\\{next}") };
                self.cut = escaped.len() > self.left;
                if !self.cut {
                    self.out.write_str(&escaped)?;
                    self.left -= escaped.len();
                    rest = &rest[next.len_utf8()..];
                }
            }
            if self.cut {
                return Err(fmt::Error);
            }
        }
        Ok(())
    }
}
