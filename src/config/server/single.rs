//! The one server after `--`: a command, or a URL.

use super::{LoadContext, Remote, Server, Stdio, Upstream, headers, upstream::Transport};
use crate::config::{ConfigError, Options, RawOption, http_url};

/// Its name in logs. It is in no URL.
const NAME: &str = "mcpo";

/// The server that the words after `--` describe.
pub(crate) fn single(
    options: &Options,
    words: &[String],
    context: LoadContext<'_>,
) -> Result<Server, ConfigError> {
    let transport = options.server_type.as_ref().map(transport).transpose()?;
    let upstream = match (transport, words) {
        (None | Some(Transport::Stdio), [word, ..]) if is_url(word) => match (transport, words) {
            (None, [url]) => Upstream::Probe(remote(options, "", url, context)?),
            (None, _) => return Err(ConfigError::new("a URL after -- stands alone; remove what follows it")),
            _ => {
                return Err(ConfigError::new(
                    "type stdio starts a command, but a URL stands after --; leave --type out, or use \
                     --type streamable-http",
                ));
            }
        },
        (None | Some(Transport::Stdio), words) => Upstream::Stdio(stdio(options, words, context)?),
        (Some(Transport::Sse), [url]) => Upstream::Sse(remote(options, "sse", url, context)?),
        (Some(Transport::Http), [url]) => Upstream::Http(remote(options, "streamable-http", url, context)?),
        (Some(_), _) => {
            return Err(ConfigError::new(
                "types sse and streamable-http want one URL after --, and nothing else; leave --type out to start a \
                 command",
            ));
        }
    };
    Ok(Server::plain(NAME, upstream, context.bounds))
}

fn transport(given: &RawOption) -> Result<Transport, ConfigError> {
    Transport::parse(&given.value).ok_or_else(|| {
        given.error(format_args!("unknown type \"{}\"; use stdio, sse or streamable-http", given.value))
    })
}

fn is_url(word: &str) -> bool {
    word.split_once("://").is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

fn stdio(options: &Options, words: &[String], context: LoadContext<'_>) -> Result<Stdio, ConfigError> {
    if let Some(header) = options.header.first() {
        return Err(
            header.error("a command takes no headers; pass it variables with --env, or give a URL after --")
        );
    }
    match words {
        [program, args @ ..] if !program.is_empty() => Ok(Stdio {
            env: context.overrides.clone(),
            ..Stdio::new(context.environment.program(program), args.to_vec())
        }),
        _ => Err(ConfigError::new("the command after -- is empty; name the program to start")),
    }
}

fn remote(options: &Options, kind: &str, url: &str, context: LoadContext<'_>) -> Result<Remote, ConfigError> {
    let url = http_url::parse(url).map_err(|error| {
        let what = if kind.is_empty() { "the URL after --".to_owned() } else { format!("type {kind}") };
        ConfigError::at(what, error)
    })?;
    let headers = headers::of_options(&options.header, context.environment)?;
    Ok(Remote { url, headers, proxy: context.proxy.clone() })
}
