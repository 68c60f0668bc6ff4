//! Explains where and why a text is not JSON, in the words of Python's `json` module, which FastAPI repeats in its 422.
//!
//! It only runs on text that serde_json has already rejected.

/// A position in characters and a reason.
pub(super) type JsonError = (usize, &'static str);

const DEEPEST: usize = 128;

/// Explains why `text` is not JSON.
pub(super) fn explain(text: &str) -> JsonError {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    scanner.skip_space();
    match scanner.value(0).and_then(|()| scanner.end()) {
        // Python reports positions in characters.
        Err((at, reason)) => (String::from_utf8_lossy(&text.as_bytes()[..at]).chars().count(), reason),
        // serde_json is stricter in a few corners, such as lone surrogates and numbers out of range.
        Ok(()) => (0, "Value out of range"),
    }
}

/// Scans bytes, because all JSON syntax is ASCII; positions are in bytes.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn end(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.at == self.bytes.len() { Ok(()) } else { Err((self.at, "Extra data")) }
    }

    fn value(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > DEEPEST {
            return Err((self.at, "Too deeply nested"));
        }
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            _ if ["null", "true", "false"].iter().any(|word| self.take_word(word)) => Ok(()),
            _ => self.number(),
        }
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.take_word("-");
        if !self.take_word("0") && self.digits() == 0 {
            self.at = start;
            return Err((start, "Expecting value"));
        }
        let whole = self.at;
        if self.take_word(".") && self.digits() == 0 {
            self.at = whole;
        }
        let fraction = self.at;
        if self.take_word("e") || self.take_word("E") {
            let _ = self.take_word("+") || self.take_word("-");
            if self.digits() == 0 {
                self.at = fraction;
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err((start, "Unterminated string starting at")),
                Some(b'"') => break,
                Some(b'\\') => self.escape(start)?,
                Some(byte) if byte < b' ' => return Err((self.at, "Invalid control character at")),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self, start: usize) -> Result<(), JsonError> {
        let backslash = self.at;
        self.at += 1;
        match self.peek() {
            None => Err((start, "Unterminated string starting at")),
            Some(b'u') => {
                let hex =
                    self.bytes[self.at + 1..].iter().take(4).filter(|byte| byte.is_ascii_hexdigit()).count();
                if hex < 4 {
                    return Err((backslash + 1, "Invalid \\uXXXX escape"));
                }
                self.at += 5;
                Ok(())
            }
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err((backslash, "Invalid \\escape")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonError> {
        self.at += 1;
        self.skip_space();
        if self.take_word("}") {
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err((self.at, "Expecting property name enclosed in double quotes"));
            }
            self.string()?;
            self.skip_space();
            if !self.take_word(":") {
                return Err((self.at, "Expecting ':' delimiter"));
            }
            self.skip_space();
            self.value(depth + 1)?;
            self.skip_space();
            if self.take_word("}") {
                return Ok(());
            }
            if !self.take_word(",") {
                return Err((self.at, "Expecting ',' delimiter"));
            }
            self.skip_space();
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        self.at += 1;
        self.skip_space();
        if self.take_word("]") {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.skip_space();
            if self.take_word("]") {
                return Ok(());
            }
            if !self.take_word(",") {
                return Err((self.at, "Expecting ',' delimiter"));
            }
            self.skip_space();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values were recorded with CPython 3.11.
    #[test]
    fn speaks_pythons_words() {
        let table = [
            ("", 0, "Expecting value"),
            ("{bad", 1, "Expecting property name enclosed in double quotes"),
            ("{", 1, "Expecting property name enclosed in double quotes"),
            ("{\"a\"", 4, "Expecting ':' delimiter"),
            ("{\"a\":", 5, "Expecting value"),
            ("{\"a\":1", 6, "Expecting ',' delimiter"),
            ("{\"a\":1,}", 7, "Expecting property name enclosed in double quotes"),
            ("[1,]", 3, "Expecting value"),
            ("[1 2]", 3, "Expecting ',' delimiter"),
            ("\"abc", 0, "Unterminated string starting at"),
            ("\"a\nb\"", 2, "Invalid control character at"),
            ("\"\\q\"", 1, "Invalid \\escape"),
            ("{} x", 3, "Extra data"),
            ("1.", 1, "Extra data"),
            ("tru", 0, "Expecting value"),
            ("{\"é\": }", 6, "Expecting value"),
        ];
        for (text, position, reason) in table {
            assert_eq!(explain(text), (position, reason), "{text}");
        }
    }

    #[test]
    fn deep_nesting_ends() {
        assert_eq!(explain(&"[".repeat(100_000)), (129, "Too deeply nested"));
    }
}
