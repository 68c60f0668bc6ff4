//! A command line as a log may show it: what may be a secret is not there.

use std::fmt;

use super::excerpt::{HIDDEN, without_secrets};

/// A program and its arguments.
pub(super) struct CommandLine<'a> {
    pub(super) program: &'a str,
    pub(super) args: &'a [String],
}

/// Words in the names of options whose values are secrets.
const SECRET: [&str; 10] =
    ["key", "token", "secret", "pass", "pwd", "auth", "header", "cookie", "credential", "bearer"];

impl fmt::Display for CommandLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.program)?;
        let mut hides_next = false;
        for arg in self.args {
            out.write_str(" ")?;
            let option = arg.starts_with('-');
            match arg.split_once('=').filter(|(name, _)| is_secret(name) && !name.contains("://")) {
                Some((name, _)) => write!(out, "{name}={HIDDEN}")?,
                None if hides_next && !option => out.write_str(HIDDEN)?,
                None => out.write_str(&without_secrets(arg))?,
            }
            // `-H` and `-e` are curl's and Docker's for headers and variables.
            hides_next =
                option && !arg.contains('=') && (is_secret(arg) || matches!(arg.as_str(), "-H" | "-e"));
        }
        Ok(())
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_shows_no_secret() {
        for (words, shown) in [
            (
                "uvx mcp-server-time --local-timezone=Europe/Berlin",
                "uvx mcp-server-time --local-timezone=Europe/Berlin",
            ),
            (
                "npx -y @modelcontextprotocol/server-filesystem@2025.1.14 /data",
                "npx -y @modelcontextprotocol/server-filesystem@2025.1.14 /data",
            ),
            ("npx mcp --api-key abc --verbose", "npx mcp --api-key … --verbose"),
            ("npx mcp --api-key=abc TOKEN=abc", "npx mcp --api-key=… TOKEN=…"),
            (
                "npx mcp-remote https://u:p@h.example/mcp?key=abc --header Authorization:abc",
                "npx mcp-remote https://h.example/mcp --header …",
            ),
            ("docker run -e NAME=abc image", "docker run -e … image"),
            ("mcp sk-proj-0123456789abcdefghijklmnop", "mcp sk-proj-…"),
            ("mcp https://h.example/s/0123456789abcdefghijklmnop/sse", "mcp https://h.example/s/…/sse"),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            assert_eq!(CommandLine { program: &words[0], args: &words[1..] }.to_string(), shown);
        }
    }
}
