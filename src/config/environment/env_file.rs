//! A `.env` file, read as python-dotenv reads it, which the Python mcpo uses.
//!
//! Only `${NAME}` and `${NAME:-default}` are replaced, in whatever quotes. Invariant: a statement that cannot be read
//! is skipped and reported with its line number. Its text is not shown, since it may hold a secret.

use std::borrow::Cow;

use indexmap::IndexMap;

/// What a file gives.
#[derive(Default)]
pub(crate) struct EnvFile {
    /// The variables in order; nothing for a name without a value.
    pub values: IndexMap<String, Option<String>>,
    /// The lines of what sets nothing, and why.
    pub faults: Vec<(usize, Fault)>,
}

/// Why a statement sets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("no name before the =; write NAME=value")]
    NoName,
    #[error("not the name of a variable")]
    BadName,
    #[error("a name without a value; write NAME=value, or NAME= for an empty one")]
    NoValue,
    #[error("a quote is never closed; close it, or put the value into quotes of the other kind")]
    Unclosed,
    #[error("something follows the closing quote; put the value into quotes of the other kind")]
    Trailing,
    #[error("holds a NUL character, or is not UTF-8 text; save the file as UTF-8")]
    Unfit,
}

struct Statement<'t> {
    name: &'t str,
    /// Still with its references.
    value: Option<Cow<'t, str>>,
}

impl EnvFile {
    /// Reads `text`. What the file itself sets comes before what `variable` knows.
    pub(crate) fn parse<'v>(text: &[u8], variable: impl Fn(&str) -> Option<&'v str>) -> Self {
        let text = decoded(text);
        let (mut rest, mut line) = (text.as_str(), 1);
        let mut file = Self::default();
        loop {
            let before = rest;
            rest = rest.trim_start_matches(is_space);
            line += newlines(before, rest);
            if rest.is_empty() {
                return file;
            }
            let start = rest;
            let read = statement(&mut rest).and_then(|read| file.add(read, &variable));
            if let Err(fault) = read {
                file.faults.push((line, fault));
            }
            line += newlines(start, rest);
        }
    }

    fn add<'v>(
        &mut self,
        statement: Option<Statement<'_>>,
        variable: &impl Fn(&str) -> Option<&'v str>,
    ) -> Result<(), Fault> {
        let Some(Statement { name, value }) = statement else { return Ok(()) };
        if name.contains('=') {
            return Err(Fault::BadName);
        }
        let value = value.map(|value| self.expand(&value, variable));
        if name.contains('\0') || value.as_ref().is_some_and(|value| value.contains('\0')) {
            return Err(Fault::Unfit);
        }
        let is_missing = value.is_none();
        self.values.insert(name.to_owned(), value);
        if is_missing { Err(Fault::NoValue) } else { Ok(()) }
    }

    /// Replaces `${NAME}` and `${NAME:-default}`. A default is for what is not set, and is not expanded itself.
    fn expand<'v>(&self, value: &str, variable: &impl Fn(&str) -> Option<&'v str>) -> String {
        let mut expanded = String::with_capacity(value.len());
        let mut rest = value;
        while let Some(at) = rest.find("${") {
            let (before, reference) = rest.split_at(at);
            expanded.push_str(before);
            rest = if let Some((name, default, after)) = parse_reference(&reference[2..]) {
                expanded.push_str(match self.values.get(name) {
                    Some(own) => own.as_deref().unwrap_or_default(),
                    None => variable(name).unwrap_or(default),
                });
                after
            } else {
                expanded.push_str("${");
                &reference[2..]
            };
        }
        expanded + rest
    }
}

/// The name, the default, and what follows the brace.
fn parse_reference(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_at(text.find(['}', ':'])?);
    match rest.strip_prefix(":-") {
        Some(rest) => rest.split_once('}').map(|(default, after)| (name, default, after)),
        None => rest.strip_prefix('}').map(|after| (name, "", after)),
    }
}

/// The text with line feeds for all line breaks, as Python reads it. What is not UTF-8 becomes NUL, which no variable can
/// hold either.
fn decoded(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push('\0');
        }
    }
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Takes one statement off; nothing for a comment. One that cannot be read is left at the
/// end of its line, be it inside of what was meant as one value.
fn statement<'t>(rest: &mut &'t str) -> Result<Option<Statement<'t>>, Fault> {
    let read = try_statement(rest);
    if read.is_err() {
        *rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    read
}

fn try_statement<'t>(rest: &mut &'t str) -> Result<Option<Statement<'t>>, Fault> {
    if let Some(after) = rest.strip_prefix("export").filter(|after| after.starts_with(is_blank_string)) {
        *rest = after.trim_start_matches(is_blank_string);
    }
    let name = if rest.starts_with('#') { None } else { Some(name(rest)?) };
    *rest = rest.trim_start_matches(is_blank_string);
    let value = rest.strip_prefix('=').map(|after| value(rest, after)).transpose()?;
    *rest = rest.trim_start_matches(is_blank_string);
    if rest.starts_with('#') {
        *rest = rest.trim_start_matches(|c| c != '\n');
    }
    if !rest.is_empty() {
        *rest = rest.strip_prefix('\n').ok_or(Fault::Trailing)?;
    }
    Ok(name.map(|name| Statement { name, value }))
}

fn name<'t>(rest: &mut &'t str) -> Result<&'t str, Fault> {
    let (name, after) = match rest.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'').ok_or(Fault::Unclosed)?,
        None => rest.split_at(rest.find(|c| is_space(c) || matches!(c, '=' | '#')).unwrap_or(rest.len())),
    };
    if name.is_empty() {
        return Err(Fault::NoName);
    }
    *rest = after;
    Ok(name)
}

/// The value behind the `=`.
fn value<'t>(rest: &mut &'t str, behind: &'t str) -> Result<Cow<'t, str>, Fault> {
    *rest = behind.trim_start_matches(is_blank_string);
    let apart = rest.len() < behind.len();
    match rest.chars().next() {
        Some(quote @ ('\'' | '"')) => {
            let (inside, after) = quoted(&rest[1..], quote).ok_or(Fault::Unclosed)?;
            *rest = after;
            Ok(unescaped(inside, quote).into())
        }
        // With a space before it, it begins a comment.
        Some('#') if apart => Ok("".into()),
        _ => {
            let (line, after) = rest.split_at(rest.find('\n').unwrap_or(rest.len()));
            *rest = after;
            Ok(without_comment(line).trim_end_matches(is_space).into())
        }
    }
}

/// What stands before the closing quote, and what follows it.
fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

fn unescaped(text: &str, quote: char) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let meant = (character == '\\').then(|| characters.peek().and_then(|next| escape(*next, quote)));
        if meant.flatten().is_some() {
            characters.next();
        }
        plain.push(meant.flatten().unwrap_or(character));
    }
    plain
}

/// What a backslash and this character stand for in such quotes.
fn escape(character: char, quote: char) -> Option<char> {
    match character {
        '\\' | '\'' => Some(character),
        _ if quote == '\'' => None,
        '"' => Some('"'),
        'a' => Some('\x07'),
        'b' => Some('\x08'),
        'f' => Some('\x0c'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\x0b'),
        _ => None,
    }
}

/// A comment in an unquoted value has a space before it.
fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| line[..*at].ends_with(is_space);
    line.match_indices('#').find(begins).map_or(line, |(at, _)| &line[..at])
}

/// What `\s` is to Python: it counts four separators that Unicode does not call white space.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

fn is_blank_string(character: char) -> bool {
    is_space(character) && character != '\n'
}

/// How many lines end between `start` and its later part `end`.
fn newlines(start: &str, end: &str) -> usize {
    start[..start.len() - end.len()].matches('\n').count()
}

#[cfg(test)]
mod tests;
