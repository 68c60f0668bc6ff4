//! One server of the config file: the keys of Claude Desktop, their names in other clients, and the keys of mcpo.
//!
//! Every key is listed here once, or in the table of options. Keys without meaning here are in [`foreign`].

use std::collections::HashSet;

use http::header::AUTHORIZATION;

use super::{
    EnvOverrides, LoadContext, Recycling, Remote, ResultStyle, Server, Stdio, ToolFilter, Upstream,
    Validation, foreign, forwarding, headers, numbers, sandbox, upstream::Transport,
};
use crate::{
    config::{
        Block, ConfigError, OAuth, OPTIONS, http_url,
        json::{ConfigNode, ConfigObject},
        nearest, oauth,
    },
    secret::{KnownSecrets, is_telling},
};

const STDIO_KEYS: [&str; 9] =
    ["command", "args", "env", "cwd", "inherit_env", "inheritEnv", SANDBOX, MAX_IDLE, MAX_AGE];
const SANDBOX: &str = "sandbox";
const MAX_IDLE: &str = "maxIdle";
const MAX_AGE: &str = "maxAge";
const REMOTE_KEYS: [&str; 5] = ["url", "serverUrl", HTTP_URL, "headers", "oauth"];
/// Where Gemini CLI has the URL of streamable HTTP; Windsurf writes `serverUrl` for any.
const HTTP_URL: &str = "httpUrl";
/// Also as the Python mcpo and Gemini CLI spell them.
const ENABLED_TOOLS: [&str; 3] = ["enabledTools", "enabled_tools", "includeTools"];
const DISABLED_TOOLS: [&str; 3] = ["disabledTools", "disabled_tools", "excludeTools"];
const COMMON_KEYS: [&str; 7] =
    ["type", "transport", "disabled", "enabled", "validation", "results", "client_header_forwarding"];

/// Reads the server called `name`; `guarded` says whether callers show the gateway a credential.
pub(crate) fn server(
    name: &str,
    object: &ConfigObject<'_>,
    context: LoadContext<'_>,
    guarded: bool,
) -> Result<Server, ConfigError> {
    let known = [
        &STDIO_KEYS[..],
        &REMOTE_KEYS,
        &COMMON_KEYS,
        &ENABLED_TOOLS,
        &DISABLED_TOOLS,
        &OPTIONS.keys(Block::Server),
    ];
    object.expect_keys_beside(foreign::SERVER_KEYS, &known.concat());
    // Ignored, it would leave the program unconfined.
    if let Some((_, node)) = object.entries().find(|(key, _)| is_misspelt(key, SANDBOX, &known.concat())) {
        return Err(node.error(format_args!("unknown key; did you mean \"{SANDBOX}\"?")));
    }
    let upstream = upstream(object, context)?;
    let (unfit, kind) = match upstream {
        Upstream::Stdio(_) => (&REMOTE_KEYS[..], "\"command\""),
        _ => (&STDIO_KEYS[..], "\"url\""),
    };
    for node in unfit.iter().filter_map(|key| object.get(key)).filter(|node| !node.is_empty_container()) {
        node.warn(format_args!("has no effect on a server with {kind}"));
    }
    let oauth = oauth(object, &upstream)?;
    let own = own_headers(&upstream, oauth.is_some() || guarded);
    let forwarding = object.read("client_header_forwarding", |node| forwarding::parse(node, &own))?.flatten();
    Ok(Server {
        name: name.to_owned(),
        oauth,
        upstream,
        tools: tools(object)?,
        validation: object.read("validation", validation)?.unwrap_or_default(),
        results: object.read("results", results)?.unwrap_or_default(),
        bounds: context.bounds.of_server(object)?,
        forwarding,
        secrets: KnownSecrets::default(),
    })
}

/// Whether a key is none of the `known` ones, and most like this one.
fn is_misspelt(key: &str, meant: &str, known: &[&str]) -> bool {
    !known.contains(&key) && nearest(key, known) == Some(meant)
}

/// Returns the headers that callers cannot set: configured ones, and the one that holds the gateway's key or token.
fn own_headers(upstream: &Upstream, authorization: bool) -> Vec<String> {
    let configured = upstream.remote().into_iter().flat_map(|remote| remote.headers.keys());
    configured.chain(authorization.then_some(&AUTHORIZATION)).map(ToString::to_string).collect()
}

fn oauth(object: &ConfigObject<'_>, upstream: &Upstream) -> Result<Option<OAuth>, ConfigError> {
    let (Some(node), Some(remote)) = (object.get("oauth"), upstream.remote()) else { return Ok(None) };
    if remote.headers.contains_key(AUTHORIZATION) {
        node.warn("once there is a token, it replaces the Authorization in \"headers\"");
    }
    oauth::parse(&node).map(Some)
}

fn upstream(object: &ConfigObject<'_>, context: LoadContext<'_>) -> Result<Upstream, ConfigError> {
    let url = url(object)?;
    let transport = transport(object)?;
    match (object.get("command"), url) {
        (Some(_), Some(url)) => Err(
            url.error("a server has \"command\" or \"url\", not both; remove one, or make two servers of it")
        ),
        (None, None) => Err(object.node().error(match (transport, near_miss(object)) {
            (_, Some((near, meant))) => {
                format!("a server needs \"command\" or \"url\"; rename \"{near}\" to \"{meant}\"")
            }
            (None, None) => {
                "a server needs \"command\" (a program to start) or \"url\" (a remote server)".to_owned()
            }
            (Some(Transport::Stdio), None) => "a server of type \"stdio\" needs \"command\"".to_owned(),
            (Some(_), None) => "a server of this type needs \"url\"".to_owned(),
        })),
        (Some(command), None) => match transport {
            None | Some(Transport::Stdio) => stdio(object, &command, context).map(Upstream::Stdio),
            Some(_) => Err(command.error("does not fit the server's type; use \"url\", or type \"stdio\"")),
        },
        (None, Some(url)) => match transport {
            None if object.get(HTTP_URL).is_some() => remote(object, &url, context).map(Upstream::Http),
            None => remote(object, &url, context).map(Upstream::Probe),
            Some(Transport::Http) => remote(object, &url, context).map(Upstream::Http),
            Some(Transport::Sse) => remote(object, &url, context).map(Upstream::Sse),
            Some(Transport::Stdio) => {
                Err(url.error("does not fit type \"stdio\"; use \"command\", or leave the type out"))
            }
        },
    }
}

/// Returns a key that is similar to one of the two that a server needs, and that one.
fn near_miss<'a>(object: &ConfigObject<'a>) -> Option<(&'a str, &'static str)> {
    ["command", "url"]
        .into_iter()
        .find_map(|meant| Some((object.nearest(meant)?, meant)))
        .filter(|(near, meant)| near != meant)
}

/// Returns the URL, under any of its keys. Some files have it under two, for two clients.
fn url<'a>(object: &ConfigObject<'a>) -> Result<Option<ConfigNode<'a>>, ConfigError> {
    let mut given = REMOTE_KEYS[..3].iter().filter_map(|key| object.get(key));
    let Some(first) = given.next() else { return Ok(None) };
    for other in given {
        if other.string()? != first.string()? {
            return Err(other.error("there is another URL beside it; keep one of the two"));
        }
    }
    Ok(Some(first))
}

/// Returns the value of `type` or `transport`.
fn transport(object: &ConfigObject<'_>) -> Result<Option<Transport>, ConfigError> {
    let kind = object.read("type", parse_transport)?;
    match (kind, object.get("transport")) {
        (kind, None) => Ok(kind),
        (kind, Some(node)) => {
            let transport = parse_transport(&node)?;
            if kind.is_some_and(|kind| kind != transport) {
                return Err(node.error("contradicts \"type\"; keep one of the two"));
            }
            Ok(Some(transport))
        }
    }
}

fn parse_transport(node: &ConfigNode<'_>) -> Result<Transport, ConfigError> {
    let text = node.string()?;
    Transport::parse(&text).ok_or_else(|| {
        node.error(format_args!("unknown type \"{text}\"; use \"stdio\", \"sse\" or \"streamable-http\""))
    })
}

fn stdio(
    object: &ConfigObject<'_>,
    command: &ConfigNode<'_>,
    context: LoadContext<'_>,
) -> Result<Stdio, ConfigError> {
    // Zed may have all of it in one object.
    let nested = command.object().ok();
    let (place, program) = match &nested {
        Some(inside) => {
            (inside, inside.get("path").ok_or_else(|| command.error("needs \"path\" (a program to start)"))?)
        }
        None => (object, command.clone()),
    };
    let program = program.string()?;
    if program.is_empty() {
        return Err(command.error("is empty; name the program to start"));
    }
    let inherits = object.one_of(&["inherit_env", "inheritEnv"])?.map(|node| node.boolean()).transpose()?;
    let inherits = inherits.unwrap_or(true);
    let mut shared = if inherits { EnvOverrides::default() } else { context.environment.bare_necessities() };
    shared.extend(context.overrides.clone());
    let (env, withheld) = place.read("env", variables)?.unwrap_or_default();
    let cwd = object.read("cwd", ConfigNode::string)?.filter(|cwd| !cwd.is_empty()).map(Into::into);
    let home = context.environment.home();
    let sandbox = object.read(SANDBOX, |node| sandbox::parse(node, home, cwd.as_ref()))?;
    if let (None, Some((_, node))) = (&sandbox, object.entries().find(|(key, _)| *key == SANDBOX)) {
        // Elsewhere such a value counts as absent. Here it would open what is meant to be closed.
        return Err(node.error("is empty; write {} for the strictest sandbox, or leave it out"));
    }
    Ok(Stdio {
        inherits,
        shared,
        withheld,
        program: context.environment.program(&program),
        args: place.read("args", ConfigNode::texts)?.unwrap_or_default(),
        env,
        cwd,
        sandbox,
        recycling: Recycling {
            idle: object.read(MAX_IDLE, numbers::time)?,
            age: object.read(MAX_AGE, numbers::time)?,
        },
    })
}

/// Returns the variables that are set, and the names of those that are `null`, which the child does not get.
fn variables(node: &ConfigNode<'_>) -> Result<(EnvOverrides, Vec<String>), ConfigError> {
    let (mut set, mut removed) = (EnvOverrides::default(), Vec::new());
    for (name, node) in node.object()?.entries() {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(node.error("not the name of an environment variable"));
        }
        if node.is_null() {
            removed.push(name.to_owned());
        } else {
            if is_telling(name) {
                node.withhold_variables();
            }
            set.insert(name.to_owned(), node.text()?.into());
        }
    }
    Ok((set, removed))
}

fn remote(
    object: &ConfigObject<'_>,
    url: &ConfigNode<'_>,
    context: LoadContext<'_>,
) -> Result<Remote, ConfigError> {
    let parsed = http_url::parse(&url.secret()?.value).map_err(|error| url.error(error))?;
    let headers = object.read("headers", headers::of_object)?.unwrap_or_default();
    Ok(Remote { url: parsed, headers, proxy: context.proxy.clone() })
}

fn tools(object: &ConfigObject<'_>) -> Result<ToolFilter, ConfigError> {
    let set = |keys: &[&str]| -> Result<Option<HashSet<String>>, ConfigError> {
        let names = object.one_of(keys)?.map(|node| node.strings()).transpose()?;
        Ok(names.map(HashSet::from_iter))
    };
    Ok(ToolFilter { enabled: set(&ENABLED_TOOLS)?, disabled: set(&DISABLED_TOOLS)?.unwrap_or_default() })
}

fn validation(node: &ConfigNode<'_>) -> Result<Validation, ConfigError> {
    match node.string()?.as_str() {
        "lax" => Ok(Validation::Lax),
        "strict" => Ok(Validation::Strict),
        "off" => Ok(Validation::Off),
        other => {
            Err(node.error(format_args!("unknown value \"{other}\"; use \"lax\", \"strict\" or \"off\"")))
        }
    }
}

fn results(node: &ConfigNode<'_>) -> Result<ResultStyle, ConfigError> {
    match node.string()?.as_str() {
        "auto" => Ok(ResultStyle::Auto),
        "text" => Ok(ResultStyle::Text),
        other => Err(node.error(format_args!("unknown value \"{other}\"; use \"auto\" or \"text\""))),
    }
}
