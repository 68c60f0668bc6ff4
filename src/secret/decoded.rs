//! Text as its readers decode it: percent-encoding, backslash escapes as in JSON, and character references of HTML.
//!
//! Every decoded byte knows the part of the text that it comes from. Decoders nest, since a text may be encoded twice.

/// One byte, and the part of the text that stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Byte {
    pub(super) value: u8,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it begins an escape that the end of the text has cut in two.
    pub(super) is_cut: bool,
}

impl Byte {
    fn new(value: u8, start: usize, end: usize) -> Self {
        Self { value, start, end, is_cut: false }
    }
}

/// The bytes of a text as they are.
#[derive(Clone)]
pub(super) struct RawBytes<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> RawBytes<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }
}

impl Iterator for RawBytes<'_> {
    type Item = Byte;

    fn next(&mut self) -> Option<Byte> {
        let value = *self.text.get(self.at)?;
        self.at += 1;
        Some(Byte::new(value, self.at - 1, self.at))
    }
}

/// Whether an escape begins with this byte.
pub(super) fn begins_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&')
}

/// The bytes of another iterator, decoded once. What is no escape passes as it is.
#[derive(Clone)]
pub(super) struct Decoded<I> {
    inner: I,
    /// Bytes of an escape that are still to come.
    rest: Utf8,
    start: usize,
    end: usize,
}

/// Up to four bytes.
#[derive(Clone, Copy, Default)]
struct Utf8 {
    bytes: [u8; 4],
    at: usize,
    len: usize,
}

impl Utf8 {
    fn of(c: char) -> Self {
        let mut bytes = [0; 4];
        let len = c.encode_utf8(&mut bytes).len();
        Self { bytes, at: 0, len }
    }

    fn of_byte(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0], at: 0, len: 1 }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes[..self.len].get(self.at)?;
        self.at += 1;
        Some(byte)
    }
}

impl<I> Decoded<I> {
    pub(super) fn new(inner: I) -> Self {
        Self { inner, rest: Utf8::default(), start: 0, end: 0 }
    }
}

impl<I: Iterator<Item = Byte> + Clone> Iterator for Decoded<I> {
    type Item = Byte;

    fn next(&mut self) -> Option<Byte> {
        if let Some(value) = self.rest.next() {
            return Some(Byte::new(value, self.start, self.end));
        }
        let first = self.inner.next()?;
        if !begins_escape(first.value) {
            return Some(first);
        }
        let mut ahead = Ahead { inner: self.inner.clone(), end: first.end, has_ended: false };
        let meant = match first.value {
            b'%' => ahead.hex(2).and_then(|byte| u8::try_from(byte).ok()).map(Utf8::of_byte),
            b'\\' => ahead.backslash(),
            _ => ahead.reference().map(Utf8::of),
        };
        let is_cut = first.is_cut || ahead.has_ended;
        let Some(mut meant) = meant else { return Some(Byte { is_cut, ..first }) };
        let value = meant.next()?;
        *self = Self { inner: ahead.inner, rest: meant, start: first.start, end: ahead.end };
        Some(Byte::new(value, self.start, self.end))
    }
}

/// What follows the first byte of an escape.
struct Ahead<I> {
    inner: I,
    end: usize,
    has_ended: bool,
}

impl<I: Iterator<Item = Byte> + Clone> Ahead<I> {
    fn byte(&mut self) -> Option<u8> {
        let next = self.inner.next();
        self.has_ended |= next.is_none();
        let byte = next?;
        self.end = byte.end;
        Some(byte.value)
    }

    /// A number of so many hexadecimal digits.
    fn hex(&mut self, digits: usize) -> Option<u32> {
        (0..digits).try_fold(0, |number, _| Some(number << 4 | char::from(self.byte()?).to_digit(16)?))
    }

    /// A number of this base, up to a byte that ends it.
    fn number(&mut self, first: u8, base: u32, end: u8) -> Option<u32> {
        let mut number = char::from(first).to_digit(base)?;
        for _ in 0..7 {
            match self.byte()? {
                byte if byte == end => return Some(number),
                byte => number = number * base + char::from(byte).to_digit(base)?,
            }
        }
        None
    }

    /// What a backslash makes of what follows it, in JSON, Python, Rust and their like.
    fn backslash(&mut self) -> Option<Utf8> {
        match self.byte()? {
            b'n' => Some(Utf8::of_byte(b'\n')),
            b'r' => Some(Utf8::of_byte(b'\r')),
            b't' => Some(Utf8::of_byte(b'\t')),
            b'x' => self.hex(2).and_then(char::from_u32).map(Utf8::of),
            b'u' => self.unicode().map(Utf8::of),
            byte if byte.is_ascii_punctuation() => Some(Utf8::of_byte(byte)),
            _ => None,
        }
    }

    fn unicode(&mut self) -> Option<char> {
        let Some(b'{') = self.inner.clone().next().map(|byte| byte.value) else {
            let unit = self.hex(4)?;
            return match unit {
                0xd800..0xdc00 => {
                    let is_pair = self.byte()? == b'\\' && self.byte()? == b'u';
                    let low = self.hex(4).filter(|low| is_pair && (0xdc00..0xe000).contains(low))?;
                    char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
                }
                unit => char::from_u32(unit),
            };
        };
        self.byte()?;
        let first = self.byte()?;
        self.number(first, 16, b'}').and_then(char::from_u32)
    }

    /// A character reference (HTML Standard, section 13.5), those of plain text.
    fn reference(&mut self) -> Option<char> {
        let mut name = [0; 4];
        for at in 0..=name.len() {
            match (self.byte()?, at) {
                (b'#', 0) => {
                    return match self.byte()? {
                        b'x' | b'X' => {
                            let first = self.byte()?;
                            self.number(first, 16, b';').and_then(char::from_u32)
                        }
                        first => self.number(first, 10, b';').and_then(char::from_u32),
                    };
                }
                (b';', _) => return named(&name[..at]),
                (byte, 0..4) => name[at] = byte.to_ascii_lowercase(),
                _ => return None,
            }
        }
        None
    }
}

fn named(name: &[u8]) -> Option<char> {
    match name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> String {
        let bytes = Decoded::new(RawBytes::new(text.as_bytes())).map(|byte| byte.value).collect();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn each_escape_is_decoded_and_all_else_stays() {
        for (text, expected) in [
            ("plain", "plain"),
            ("%2f%2F%C3%A9", "//é"),
            (r#"\"\\\/\n\t\u00e9\u{e9}\x41"#, "\"\\/\n\téé\u{41}"),
            (r"\ud83d\ude00", "😀"),
            ("&amp;&lt;&GT;&quot;&apos;&#39;&#x2F;", "&<>\"'\'/"),
            ("100% of & \\q %zz &nbsp; &# \\u12 %", "100% of & \\q %zz &nbsp; &# \\u12 %"),
            ("%252F", "%2F"),
            ("\\", "\\"),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }

    #[test]
    fn every_byte_knows_its_part_of_the_text() {
        let twice = Decoded::new(Decoded::new(RawBytes::new(b"a%252Fb")));
        let parts: Vec<_> = twice.map(|byte| (char::from(byte.value), byte.start, byte.end)).collect();
        assert_eq!(parts, [('a', 0, 1), ('/', 1, 6), ('b', 6, 7)]);
    }
}
