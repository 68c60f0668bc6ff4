//! A command line as a log may show it: only what is plainly no secret is there.
//!
//! Invariant: the value of no option is shown, nor an argument that looks like anything but a file, a package or a URL.

use std::fmt;

use crate::upstream::protocol::excerpt::{HIDDEN, without_secrets};

/// A program and its arguments.
pub(super) struct CommandLine<'a> {
    pub(super) program: &'a str,
    pub(super) args: &'a [String],
}

/// Options of launchers that take no value, or one that names what is run.
const LAUNCHERS: [&str; 9] = ["--", "--from", "--directory", "--rm", "--yes", "-i", "-m", "-y", "--project"];

impl fmt::Display for CommandLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.program)?;
        let mut may_be_value = false;
        for arg in self.args {
            out.write_str(" ")?;
            match arg.strip_prefix('-') {
                // A short option may have its value in the same word.
                Some(name) if name.starts_with('-') || arg.len() == 2 => {
                    let name = arg.split('=').next().unwrap_or_default();
                    let shown = if is_plain(name) { name } else { HIDDEN };
                    out.write_str(shown)?;
                    if shown.len() < arg.len() && shown != HIDDEN {
                        write!(out, "={HIDDEN}")?;
                    }
                    may_be_value = !arg.contains('=') && !LAUNCHERS.contains(&arg.as_str());
                }
                None if !may_be_value && (is_plain(arg) || is_url(arg)) => {
                    out.write_str(&without_secrets(arg))?;
                }
                _ => {
                    out.write_str(HIDDEN)?;
                    may_be_value = false;
                }
            }
        }
        Ok(())
    }
}

/// Whether a word may be a file, a package with its version, or the name of an option.
fn is_plain(word: &str) -> bool {
    word.len() <= 200 && word.chars().all(|c| c.is_ascii_alphanumeric() || "@/._~+-".contains(c))
}

fn is_url(word: &str) -> bool {
    word.starts_with("http://") || word.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_shows_no_secret() {
        for (words, shown) in [
            ("uvx mcp-server-time --local-timezone=Europe/Berlin", "uvx mcp-server-time --local-timezone=…"),
            ("npx -y @scope/server-files@2025.1.14 /data", "npx -y @scope/server-files@2025.1.14 /data"),
            ("npx mcp --api-key abc --verbose", "npx mcp --api-key … --verbose"),
            ("npx mcp --api-key=abc TOKEN=abc", "npx mcp --api-key=… …"),
            ("npx mcp --password -abc", "npx mcp --password …"),
            (
                "npx mcp-remote https://u:p@h.example/mcp?key=abc --header Authorization:abc",
                "npx mcp-remote https://h.example/mcp --header …",
            ),
            ("docker run -i --rm -e NAME=abc -eKEY=x image", "docker run -i --rm -e … … image"),
            ("db postgres://u:pw@h/db u:pw@tcp(h)/db --dsn x -p pw", "db … … --dsn … -p …"),
            ("mcp sk-proj-0123456789abcdefghijklmnop", "mcp …"),
            ("mcp 550e8400-e29b-41d4-a716-446655440000", "mcp …"),
            (
                "mcp https://h.example/s/550e8400-e29b-41d4-a716-446655440000/sse",
                "mcp https://h.example/s/…/sse",
            ),
            ("mcp --config {\"apiKey\":\"x\"}", "mcp --config …"),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            assert_eq!(CommandLine { program: &words[0], args: &words[1..] }.to_string(), shown);
        }
    }
}
