//! `--env` and `--env-path`: variables laid over the process environment. `--env` wins over the file, and both win
//! over the process. The process environment itself is never changed.

use std::{cell::Cell, io};

use super::{
    error::ConfigError,
    file::Overlay,
    options::{Given, Options},
};

/// Both together.
pub(super) fn overlay(options: &Options) -> Result<Overlay, ConfigError> {
    let mut overlay = match &options.env_path {
        Some(path) => from_file(path)?,
        None => Overlay::default(),
    };
    for given in &options.env {
        let (name, value) = given
            .value
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| given.error("write it as NAME=value"))?;
        overlay.insert(name.to_owned(), value.to_owned().into());
    }
    Ok(overlay)
}

fn from_file(path: &Given) -> Result<Overlay, ConfigError> {
    let text = path.read_text()?;
    // dotenvy takes neither a byte order mark nor a last line that ends in a space.
    let text = format!("{}\n", text.strip_prefix('\u{feff}').unwrap_or(&text));
    let lines_read = Cell::new(0);
    let lines = Lines { rest: text.as_bytes(), read: &lines_read };
    dotenvy::Iter::new(lines)
        .map(|item| item.map(|(name, value)| (name, value.into())))
        .collect::<Result<Overlay, _>>()
        .map_err(|error| {
            // What the error quotes begins on the line at fault, and may go on to where a quote closes. It is not
            // shown: it is likely a secret.
            let more = match &error {
                dotenvy::Error::LineParse(text, _) => {
                    text.strip_suffix('\n').unwrap_or(text).matches('\n').count()
                }
                _ => 0,
            };
            let place = format!("{}:{}", path.value, lines_read.get().saturating_sub(more));
            ConfigError::at(
                place,
                "not a variable; write NAME=value, with the value in single quotes if it holds spaces, quotes or $",
            )
        })
}

/// Hands out one line at a time, so that the line where parsing stopped is known.
struct Lines<'a> {
    rest: &'a [u8],
    read: &'a Cell<usize>,
}

impl io::Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let length = line.min(buffer.len());
        let (given, rest) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(given);
        self.rest = rest;
        self.read.set(self.read.get() + usize::from(given.ends_with(b"\n")));
        Ok(length)
    }
}
