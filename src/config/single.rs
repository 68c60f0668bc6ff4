//! The one server after `--`: a command, or a URL.

use http::HeaderMap;

use super::{
    Remote, Server, Stdio, Transport, Upstream,
    entry::{Surroundings, headers, plain_server},
    environment::Environment,
    error::ConfigError,
    expand::expand,
    json::Node,
    options::{Given, Options},
    remote,
    source::Source,
};

/// Its name in logs; no URL carries it.
const NAME: &str = "mcpo";

/// The server that the words after `--` describe.
pub(super) fn server(
    options: &Options,
    words: &[String],
    around: Surroundings<'_>,
) -> Result<Server, ConfigError> {
    let transport = options.server_type.as_ref().map(transport).transpose()?;
    let upstream = match (transport, words) {
        (None | Some(Transport::Stdio), [word, ..]) if is_url(word) => match (transport, words) {
            (None, [url]) => Upstream::Probe(remote(options, "", url, around)?),
            (None, _) => return Err(ConfigError::new("a URL after -- stands alone; remove what follows it")),
            _ => {
                return Err(ConfigError::new(
                    "type stdio starts a command, but a URL stands after --; leave --type out, or use \
                     --type streamable-http",
                ));
            }
        },
        (None | Some(Transport::Stdio), words) => Upstream::Stdio(stdio(options, words, around)?),
        (Some(Transport::Sse), [url]) => Upstream::Sse(remote(options, "sse", url, around)?),
        (Some(Transport::Http), [url]) => Upstream::Http(remote(options, "streamable-http", url, around)?),
        (Some(_), _) => {
            return Err(ConfigError::new(
                "types sse and streamable-http want one URL after --, and nothing else; leave --type out to start a \
                 command",
            ));
        }
    };
    Ok(plain_server(NAME, upstream, around.bounds))
}

fn transport(given: &Given) -> Result<Transport, ConfigError> {
    Transport::parse(&given.value).ok_or_else(|| {
        given.error(format_args!("unknown type \"{}\"; use stdio, sse or streamable-http", given.value))
    })
}

fn is_url(word: &str) -> bool {
    word.split_once("://").is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

fn stdio(options: &Options, words: &[String], around: Surroundings<'_>) -> Result<Stdio, ConfigError> {
    if let Some(header) = options.header.first() {
        return Err(
            header.error("a command takes no headers; pass it variables with --env, or give a URL after --")
        );
    }
    match words {
        [program, args @ ..] if !program.is_empty() => Ok(Stdio {
            program: around.environment.program(program),
            args: args.to_vec(),
            inherits: true,
            withheld: vec![],
            env: around.overlay.clone(),
            cwd: None,
        }),
        _ => Err(ConfigError::new("the command after -- is empty; name the program to start")),
    }
}

fn remote(options: &Options, kind: &str, url: &str, around: Surroundings<'_>) -> Result<Remote, ConfigError> {
    let url = remote::url(url).map_err(|error| {
        let what = if kind.is_empty() { "the URL after --".to_owned() } else { format!("type {kind}") };
        ConfigError::at(what, error)
    })?;
    let headers = option_headers(&options.header, around.environment)?;
    Ok(Remote { url, headers, proxy: around.proxy.clone() })
}

/// `Key: Value`, as often as wanted, or one JSON object.
fn option_headers(given: &[Given], environment: &Environment) -> Result<HeaderMap, ConfigError> {
    let mut all = HeaderMap::new();
    for given in given {
        if given.value.trim_start().starts_with('{') {
            let source = Source::option(&given.origin, &given.value, environment);
            if let Some(tree) = source.parse()? {
                all.extend(headers(&Node::root(&source, &tree))?);
            }
        } else {
            let (name, value) = given.value.split_once(':').ok_or_else(|| {
                given.error("write it as \"Key: Value\", or all of them as one JSON object")
            })?;
            let value = expand(value, &|name| environment.get(name)).map_err(|error| given.error(error))?;
            remote::add_header(&mut all, name, &value).map_err(|error| given.error(error))?;
        }
    }
    Ok(all)
}
