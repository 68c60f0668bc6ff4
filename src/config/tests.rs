//! What options and files become. What they are refused for is tested through the binary, message by message.

use std::{path::Path, time::Duration};

use super::{file::File, server::LoadContext, *};
use crate::secret::{ApiKey, ExposeSecret as _};

fn given(origin: &str, value: &str) -> Option<RawOption> {
    Some(RawOption { value: value.to_owned(), origin: origin.to_owned() })
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn load(options: &Options, environment: &Environment) -> Config {
    Config::load(options, environment).unwrap_or_else(|error| panic!("{error}"))
}

fn single(options: &Options) -> Server {
    match load(options, &Environment::of(&[("TOKEN", "abc")])).servers {
        Servers::Single(server) => *server,
        Servers::Many(_) => panic!("not a single server"),
    }
}

pub(super) fn parse(text: &str) -> File {
    let environment = Environment::of(&[("TOKEN", "abc"), ("HOME", "/home/ada")]);
    let overrides = [("SHARED".to_owned(), "yes".into()), ("OWN".to_owned(), "no".into())].into();
    let proxy = ForwardProxy::default();
    let context = LoadContext {
        environment: &environment,
        overrides: &overrides,
        bounds: Bounds::default(),
        proxy: &proxy,
    };
    File::parse("config.json", text, context, &Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The one server in `mcpServers`, given as its object's inside.
pub(super) fn server(inside: &str) -> Server {
    let mut file = parse(&format!(r#"{{"mcpServers": {{"a": {{{inside}}}}}}}"#));
    assert_eq!(file.warnings, [""; 0], "{inside}");
    file.servers.pop().expect("one server")
}

fn variables<'a>(stdio: &'a Stdio) -> Vec<(&'a str, &'a str)> {
    let all = stdio.shared.keys().filter(|name| !stdio.env.contains_key(*name)).chain(stdio.env.keys());
    let value = |name: &'a String| Some((name.as_str(), stdio.variable(name)?.expose_secret()));
    all.filter_map(value).collect()
}

#[test]
fn nothing_but_a_command_takes_the_defaults() {
    let config = load(&Options { command: words("uvx tool"), ..Options::default() }, &Environment::default());
    assert_eq!((config.listen.host.as_str(), config.listen.port), ("0.0.0.0", 8000));
    assert!(config.listen.tls.is_none());
    assert_eq!((config.base.root.as_str(), config.base.prefix.as_str()), ("", ""));
    assert!(!config.access_rules.is_closed() && !config.access_rules.strict);
    assert_eq!(config.access_rules.cors, CorsOrigins::Any);
    assert_eq!(config.log_level, LogLevel::Info);
    assert_eq!(config.warnings, [""; 0]);
    let Servers::Single(server) = config.servers else {
        panic!("one server was expected");
    };
    let Server { upstream: Upstream::Stdio(stdio), bounds, .. } = *server else {
        panic!("not a command");
    };
    assert_eq!((stdio.program.as_path(), stdio.args), (Path::new("uvx"), words("tool")));
    assert_eq!(bounds, Bounds::default());
}

#[test]
fn options_become_what_they_say() {
    let options = Options {
        host: given("--host", "127.0.0.1"),
        port: given("--port", "0"),
        root_path: given("--root-path", "tools/"),
        path_prefix: given("--path-prefix", "api/v1"),
        api_key: given("--api-key", "key"),
        strict_auth: given("MCPO_STRICT_AUTH", "Yes"),
        name: given("--name", "Tools"),
        description: given("--description", ""),
        log_level: given("--log-level", "WARN"),
        command: words("uvx"),
        ..Options::default()
    };
    let config = load(&options, &Environment::default());
    assert_eq!((config.listen.host.as_str(), config.listen.port), ("127.0.0.1", 0));
    assert_eq!((config.base.root.as_str(), config.base.prefix.as_str()), ("/tools", "/api/v1"));
    assert!(config.access_rules.strict);
    assert_eq!(config.access_rules.keys[0].secret, ApiKey::of(b"key"));
    assert_eq!((config.about.name.as_deref(), config.about.description), (Some("Tools"), None));
    assert_eq!(config.log_level, LogLevel::Warning);
    assert_eq!(config.warnings, [""; 0]);
}

#[test]
fn a_key_file_loses_one_newline_and_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("key");
    for (text, key) in
        [("key", "key"), ("key\n", "key"), ("key\r\n", "key"), ("key\n\n", "key\n"), (" key ", " key ")]
    {
        std::fs::write(&path, text).expect("written");
        let api_key_file = given("--api-key-file", path.to_str().expect("UTF-8"));
        let options = Options { api_key_file, command: words("uvx"), ..Options::default() };
        let config = load(&options, &Environment::default());
        assert_eq!(config.access_rules.keys[0].secret, ApiKey::of(key.as_bytes()), "{text:?}");
    }
}

#[test]
fn a_certificate_and_its_key_load() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    // One file may hold both, as some tools write it.
    let path = directory.path().join("both.pem");
    std::fs::write(&path, made.cert.pem() + &made.signing_key.serialize_pem()).expect("written");
    let file = path.to_str().expect("UTF-8");
    let options = Options {
        ssl_certfile: given("--ssl-certfile", file),
        ssl_keyfile: given("--ssl-keyfile", file),
        command: words("uvx"),
        ..Options::default()
    };
    let tls = load(&options, &Environment::default()).listen.tls.expect("TLS");
    assert_eq!(tls.certificate.pair.cert.len(), 1);
    assert!(tls.clients.is_none());
}

#[test]
fn variables_are_laid_over_the_process_and_handed_to_commands() {
    let directory = tempfile::tempdir().expect("a directory");
    let env_file = directory.path().join(".env");
    let lines = "\u{feff}# a comment\nexport A=file\nB='it is $5'\nC=\"two\nlines\"\nEMPTY=\nLAST=x ";
    std::fs::write(&env_file, lines).expect("written");
    let config_file = directory.path().join("config.json");
    let text =
        r#"{"mcpServers": {"a": {"command": "x", "args": ["${A}", "${B}", "${D}"], "env": {"B": "own"}}}}"#;
    std::fs::write(&config_file, text).expect("written");
    let options = Options {
        config: given("--config", config_file.to_str().expect("UTF-8")),
        env_path: given("--env-path", env_file.to_str().expect("UTF-8")),
        env: given("--env", "A=flag=1").into_iter().collect(),
        ..Options::default()
    };
    let environment = Environment::of(&[("A", "process"), ("B", "process"), ("D", "process")]);
    let Servers::Many(mut servers) = load(&options, &environment).servers else { panic!("not a file") };
    let Upstream::Stdio(stdio) = servers.remove(0).upstream else { panic!("not a command") };
    assert_eq!(stdio.args, ["flag=1", "it is $5", "process"]);
    let expected = [("A", "flag=1"), ("C", "two\nlines"), ("EMPTY", ""), ("LAST", "x"), ("B", "own")];
    assert_eq!(variables(&stdio), expected);
}

#[test]
fn the_word_after_the_dashes_tells_the_kind() {
    let upstream = |kind: &str, line: &str| {
        let server_type = given("--type", kind).filter(|_| !kind.is_empty());
        single(&Options { server_type, command: words(line), ..Options::default() }).upstream
    };
    assert!(matches!(upstream("", "uvx"), Upstream::Stdio(_)));
    assert!(matches!(upstream("stdio", "uvx"), Upstream::Stdio(_)));
    assert!(matches!(upstream("", "https://example.com/mcp"), Upstream::Probe(_)));
    assert!(matches!(upstream("", "HTTP://example.com/mcp"), Upstream::Probe(_)));
    assert!(matches!(upstream("sse", "http://example.com/sse"), Upstream::Sse(_)));
    for kind in ["streamable-http", "streamable_http", "streamablehttp", "http", "Streamable-HTTP"] {
        assert!(matches!(upstream(kind, "http://example.com/mcp"), Upstream::Http(_)), "{kind}");
    }
    assert!(matches!(upstream("", "curl https://example.com"), Upstream::Stdio(_)));
}

#[test]
fn headers_are_lines_or_an_object() {
    let header = [" Authorization :Bearer ${TOKEN}", r#"{"X-A": "1", "X-B": "${TOKEN}"}"#];
    let header = header.iter().filter_map(|value| given("--header", value)).collect();
    let options = Options { header, command: words("http://localhost/mcp"), ..Options::default() };
    let Upstream::Probe(remote) = single(&options).upstream else { panic!("not a URL") };
    for (name, value) in [("authorization", "Bearer abc"), ("x-a", "1"), ("x-b", "abc")] {
        assert_eq!(remote.headers[name], value);
        assert!(remote.headers[name].is_sensitive());
    }
}

#[test]
fn the_file_may_have_comments_and_trailing_commas_and_a_mark() {
    let file = parse(
        "\u{feff}// servers\n{\"$schema\": \"x\", \"mcpServers\": {\n/* one */ \"b c\": {\"command\": \"x\",},\n\"é/\": {\"url\": \"http://h\"},},}",
    );
    assert_eq!(file.servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>(), ["b c", "é/"]);
    assert_eq!(file.warnings, [""; 0]);
}

#[test]
fn a_command_takes_its_keys() {
    let server = server(
        r#""type": "stdio", "command": "${HOME}/bin/x", "args": ["-t", "${TOKEN}", "", "$${HOME}"],
           "env": {"OWN": "${TOKEN}", "PORT": 80, "DEBUG": true}, "cwd": "sub/dir", "url": null"#,
    );
    let Upstream::Stdio(stdio) = server.upstream else { panic!("not a command") };
    assert_eq!(stdio.program, Path::new("/home/ada/bin/x"));
    assert_eq!(stdio.args, ["-t", "abc", "", "${HOME}"]);
    assert_eq!(variables(&stdio), [("SHARED", "yes"), ("OWN", "abc"), ("PORT", "80"), ("DEBUG", "true")]);
    assert_eq!(stdio.cwd.as_deref(), Some(Path::new("sub/dir")));
}

#[test]
fn a_url_takes_its_type_and_headers() {
    let upstream = |inside: &str| server(inside).upstream;
    let url = r#""url": "https://example.com/mcp?key=${TOKEN}""#;
    assert!(matches!(upstream(&format!(r#"{url}, "type": "sse""#)), Upstream::Sse(_)));
    for kind in ["streamable-http", "streamable_http", "streamablehttp", "http", "streamableHttp"] {
        assert!(matches!(upstream(&format!(r#"{url}, "type": "{kind}""#)), Upstream::Http(_)), "{kind}");
    }
    let Upstream::Probe(remote) = upstream(&format!(r#"{url}, "headers": {{"X-Key": "Bearer ${{TOKEN}}"}}"#))
    else {
        panic!("not probed");
    };
    assert_eq!(remote.url.as_str(), "https://example.com/mcp?key=abc");
    assert_eq!(remote.headers["x-key"], "Bearer abc");
    assert!(remote.headers["x-key"].is_sensitive());
}

#[test]
fn tools_calls_and_results_have_their_keys() {
    let plain = server(r#""command": "x", "args": null, "disabledTools": null"#);
    assert!(plain.tools.allows("anything"));
    assert_eq!((plain.validation, plain.results), (Validation::Lax, ResultStyle::Auto));
    assert!(plain.oauth.is_none() && plain.forwarding.is_none());
    let set = server(
        r#""command": "x", "enabledTools": ["a", "b"], "disabled_tools": ["b"], "timeout": 0.5,
           "validation": "strict", "results": "text""#,
    );
    assert_eq!(["a", "b", "c"].map(|tool| set.tools.allows(tool)), [true, false, false]);
    assert_eq!(set.bounds.call, Duration::from_millis(500));
    assert_eq!((set.validation, set.results), (Validation::Strict, ResultStyle::Text));
    assert_eq!(server(r#""command": "x", "validation": "off""#).validation, Validation::Off);
}

#[test]
fn a_disabled_server_is_not_looked_into() {
    let file = parse(
        r#"{"mcpServers": {"a": {"disabled": true, "command": "${UNSET}", "type": 5}, "b": {"command": "x"}}}"#,
    );
    assert_eq!(file.servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(file.warnings, [""; 0]);
    let file = parse(r#"{"mcpServers": {"a": {"disabled": true}}}"#);
    assert!(file.servers.is_empty());
    assert_eq!(file.warnings, ["config.json:1: mcpServers: every server is disabled, so nothing is served"]);
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let file = parse(
        r#"{
  "globalShortcut": "x",
  "mcpServers": {
    "a": {"comand": "y", "command": "x", "approve": [], "autoApprove": [], "headers": {"A": "1"}},
    "b": {"url": "http://h", "args": ["x"], "env": {}, "oauth": {"callbackPort": 1}}
  }
}"#,
    );
    assert_eq!(
        file.warnings,
        [
            "config.json:2: globalShortcut: unknown key, ignored",
            "config.json:4: mcpServers.a.comand: unknown key, ignored; did you mean \"command\"?",
            "config.json:4: mcpServers.a.approve: unknown key, ignored",
            "config.json:4: mcpServers.a.headers: has no effect on a server with \"command\"",
            "config.json:5: mcpServers.b.args: has no effect on a server with \"url\"",
            "config.json:5: mcpServers.b.oauth.callbackPort: unknown key, ignored; did you mean \"callback_port\"?",
        ]
    );
}

#[test]
fn options_without_effect_are_warned_of() {
    let options = Options {
        strict_auth: given("MCPO_STRICT_AUTH", "1"),
        hot_reload: given("--hot-reload", "true"),
        log_level: given("LOG_LEVEL", "verbose"),
        command: words("uvx"),
        ..Options::default()
    };
    let config = load(&options, &Environment::default());
    assert_eq!(
        config.warnings,
        [
            "LOG_LEVEL: unknown level \"verbose\"; use trace, debug, info, warning, error or critical; info is used",
            "--hot-reload: has no effect without a config file; name one with --config",
            "MCPO_STRICT_AUTH: has no effect without an API key; give one with --api-key-file",
        ]
    );
}

#[test]
fn the_command_mcpo_is_this_binary() {
    let environment = Environment::of_process();
    let program = environment.program("mcpo");
    assert!(program.is_absolute() && program.exists(), "{}", program.display());
    assert_eq!(environment.program("./mcpo"), Path::new("./mcpo"));
}

#[test]
fn what_is_meant_for_the_gateway_is_not_for_its_children() {
    let withheld = |options: Options| match single(&options).upstream {
        Upstream::Stdio(stdio) => stdio.withheld,
        _ => panic!("not a command"),
    };
    let ours = [
        "MCPO_API_KEY",
        "MCPO_NAMED_KEY",
        "MCPO_TOKEN_KEY",
        "MCPO_HEADER",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
        "WATCHDOG_PID",
    ];
    assert_eq!(withheld(Options { command: words("uvx"), ..Options::default() }), ours);
    let options = Options { api_key: given("API_KEY", "key"), command: words("uvx"), ..Options::default() };
    assert_eq!(withheld(options), [&ours[..], &["API_KEY"]].concat());
}

#[test]
fn a_remote_server_is_found_by_name_or_by_being_the_only_one() {
    let found = |servers: &str, name: Option<&str>| {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("config.json");
        std::fs::write(&path, format!(r#"{{"mcpServers": {{{servers}}}}}"#)).expect("written");
        let config = given("--config", path.to_str().expect("UTF-8"));
        let config = load(&Options { config, ..Options::default() }, &Environment::default());
        config.remote_server(name).map(|server| server.name.clone()).ok()
    };
    let (command, one, two) =
        (r#""c": {"command": "x"}"#, r#""one": {"url": "http://h"}"#, r#""two": {"url": "http://h"}"#);
    let (lone, both) = (format!("{command}, {one}"), format!("{one}, {two}"));
    assert_eq!(found(&lone, None).as_deref(), Some("one"));
    assert_eq!(found(&lone, Some("c")), None);
    assert_eq!(found(&both, Some("two")).as_deref(), Some("two"));
    assert_eq!(found(&both, None), None);
    assert_eq!(found(command, None), None);
    let url = load(&Options { command: words("http://h"), ..Options::default() }, &Environment::default());
    assert!(url.remote_server(None).is_ok() && url.remote_server(Some("mcpo")).is_err());
}

#[test]
fn no_secret_shows_when_a_config_is_printed() {
    let header = given("--header", "X: hunter2").into_iter().collect();
    let env = given("--env", "A=hunter2").into_iter().collect();
    let api_key = given("--api-key", "hunter2");
    let token_key = given("--token-key", "hunter2-hunter2-hunter2");
    let command = words("http://h");
    let options = Options { header, env, api_key, token_key, command, ..Options::default() };
    assert!(!format!("{:?}", load(&options, &Environment::default())).contains("hunter2"));
    let printed = format!("{:?}", server(r#""command": "x", "env": {"A": "hunter2"}"#));
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[test]
fn a_servers_own_bounds_win_over_those_of_all() {
    let options = Options {
        connect_timeout: given("--connect-timeout", "1.5"),
        initialize_timeout: given("--initialize-timeout", "20"),
        idle_timeout: given("--idle-timeout", "40"),
        call_timeout: given("--call-timeout", "60"),
        max_concurrent: given("--max-concurrent", "2"),
        max_queued: given("--max-queued", "0"),
        restarts_per_minute: given("--restarts-per-minute", "3"),
        ..Options::default()
    };
    let all = Bounds::of_options(&options).expect("right");
    let (environment, proxy) = (Environment::default(), ForwardProxy::default());
    let context =
        LoadContext { environment: &environment, overrides: &Default::default(), bounds: all, proxy: &proxy };
    let text = r#"{"mcpServers": {"a": {"command": "x"}, "b": {"command": "x", "timeout": 5, "connectTimeout": 6,
        "initializeTimeout": 21, "idleTimeout": 41, "maxConcurrent": 7, "maxQueued": 8, "restartsPerMinute": 9}}}"#;
    let file = File::parse("config.json", text, context, &Options::default()).expect("right");
    let [ref first, ref second] = file.servers[..] else { panic!("two servers") };
    let bounds = |server: &Server| {
        let Bounds { connect, idle, call, concurrent, queued, restarts, .. } = server.bounds;
        let initialize = server.bounds.initialize(&server.upstream);
        let times = [connect, initialize, idle, call].map(|time| time.as_millis());
        (times, concurrent.get(), queued, restarts.get())
    };
    assert_eq!(
        (bounds(first), bounds(second)),
        (([1500, 20_000, 40_000, 60_000], 2, 0, 3), ([6000, 21_000, 41_000, 5000], 7, 8, 9))
    );
}
