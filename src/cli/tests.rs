//! What a line and its variables are read as.

use super::*;
use crate::config::{RawOption, Takes};

fn invocation(line: &str, variables: &[(&str, &str)]) -> Result<Invocation, ConfigError> {
    let words = std::iter::once("mcpo").chain(line.split_whitespace()).map(OsString::from);
    parse(words, &Environment::of(variables))
}

fn options(line: &str, variables: &[(&str, &str)]) -> Options {
    match invocation(line, variables) {
        Ok(Invocation::Serve(options)) => *options,
        Ok(_) => panic!("{line}: not serving"),
        Err(error) => panic!("{line}: {error}"),
    }
}

fn shown(given: &Option<RawOption>) -> Option<(&str, &str)> {
    given.as_ref().map(|given| (given.value.as_str(), given.origin.as_str()))
}

fn all(given: &[RawOption]) -> Vec<(&str, &str)> {
    given.iter().map(|given| (given.value.as_str(), given.origin.as_str())).collect()
}

#[test]
fn every_short_flag_is_its_long_one() {
    let given = options(
        "-h ::1 -p 1 -k key -e A=1 -e B=2 -c file -n name -d text -v 2 -t cert -K key.pem -H X:1 -H Y:2",
        &[],
    );
    assert_eq!(shown(&given.host), Some(("::1", "--host")));
    assert_eq!(shown(&given.port), Some(("1", "--port")));
    assert_eq!(shown(&given.api_key), Some(("key", "--api-key")));
    assert_eq!(all(&given.env), [("A=1", "--env"), ("B=2", "--env")]);
    assert_eq!(shown(&given.config), Some(("file", "--config")));
    assert_eq!(shown(&given.name), Some(("name", "--name")));
    assert_eq!(shown(&given.description), Some(("text", "--description")));
    assert_eq!(shown(&given.version), Some(("2", "--version")));
    assert_eq!(shown(&given.ssl_certfile), Some(("cert", "--ssl-certfile")));
    assert_eq!(shown(&given.ssl_keyfile), Some(("key.pem", "--ssl-keyfile")));
    assert_eq!(all(&given.header), [("X:1", "--header"), ("Y:2", "--header")]);
}

#[test]
fn everything_after_the_dashes_is_the_command() {
    let given = options("--port 1 -- uvx tool --port 2 -- --help", &[]);
    assert_eq!(given.command, ["uvx", "tool", "--port", "2", "--", "--help"]);
    assert_eq!(shown(&given.port), Some(("1", "--port")));
    assert_eq!(options("-- example-server", &[]).command, ["example-server"]);
}

#[test]
fn the_last_of_several_wins_and_the_type_has_two_names() {
    assert_eq!(shown(&options("--port 1 -p 2", &[]).port), Some(("2", "--port")));
    assert_eq!(shown(&options("--server-type sse", &[]).server_type), Some(("sse", "--type")));
    assert_eq!(shown(&options("--type http", &[]).server_type), Some(("http", "--type")));
}

#[test]
fn every_option_reads_its_flag_and_its_variable() {
    let mut flags = command().try_get_matches_from(["mcpo"]).expect("no flags");
    for option in OPTIONS.iter() {
        let (flag, variable) = (format!("--{}", option.long()), option.variable());
        let environment = Environment::of(&[(&variable, "value")]);
        let read: Vec<_> = values(option, &mut flags, &environment);
        assert_eq!(all(&read), [("value", variable.as_str())]);
        let line =
            if option.takes == Takes::Nothing { vec!["mcpo", &flag] } else { vec!["mcpo", &flag, "flag"] };
        let mut typed = command().try_get_matches_from(line).unwrap_or_else(|error| panic!("{error}"));
        let read: Vec<_> = values(option, &mut typed, &environment);
        let expected = if option.takes == Takes::Nothing { "true" } else { "flag" };
        assert_eq!(all(&read), [(expected, flag.as_str())]);
    }
}

#[test]
fn a_flag_wins_over_its_variable_and_an_empty_variable_counts_as_unset() {
    let variables = [("MCPO_PORT", "1"), ("MCPO_HOST", ""), ("MCPO_ENV", "A=1"), ("MCPO_STRICT_AUTH", "no")];
    let given = options("--port 2 --env B=2 --strict-auth", &variables);
    assert_eq!(shown(&given.port), Some(("2", "--port")));
    assert_eq!(shown(&given.host), None);
    assert_eq!(all(&given.env), [("B=2", "--env")]);
    assert_eq!(shown(&given.strict_auth), Some(("true", "--strict-auth")));
}

#[test]
fn a_service_link_of_kubernetes_is_no_port() {
    assert_eq!(shown(&options("", &[("MCPO_PORT", "tcp://10.0.0.1:8000")]).port), None);
    assert_eq!(shown(&options("", &[("MCPO_METRICS_PORT", "tcp://10.0.0.1:9090")]).metrics_port), None);
    assert_eq!(shown(&options("", &[("MCPO_PORT", "80")]).port), Some(("80", "MCPO_PORT")));
    let typed = options("--port tcp://10.0.0.1:8000", &[]);
    assert_eq!(shown(&typed.port), Some(("tcp://10.0.0.1:8000", "--port")));
}

#[test]
fn variables_of_others_stand_in_where_nothing_of_ours_is_given() {
    let collector = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let shared = [("API_KEY", "key"), ("LOG_LEVEL", "debug"), (collector, "http://theirs")];
    let given = options("", &shared);
    assert_eq!(shown(&given.otlp_endpoint), Some(("http://theirs", collector)));
    let ours = options("--otlp-endpoint http://ours", &shared);
    assert_eq!(shown(&ours.otlp_endpoint), Some(("http://ours", "--otlp-endpoint")));
    assert_eq!(shown(&given.api_key), Some(("key", "API_KEY")));
    assert_eq!(shown(&given.log_level), Some(("debug", "LOG_LEVEL")));
    let given = options("--api-key-file f --log-level error", &shared);
    assert_eq!(shown(&given.api_key), None);
    assert_eq!(shown(&given.log_level), Some(("error", "--log-level")));
    let given = options("", &[("API_KEY", "theirs"), ("MCPO_API_KEY", "ours")]);
    assert_eq!(shown(&given.api_key), Some(("ours", "MCPO_API_KEY")));
}

#[test]
fn a_list_of_origins_fits_into_one_variable() {
    let variables = [("MCPO_CORS_ALLOW_ORIGINS", "http://a,http://b"), ("MCPO_HEADER", "X: a,b")];
    let given = options("", &variables);
    let origin = "MCPO_CORS_ALLOW_ORIGINS";
    assert_eq!(all(&given.cors_allow_origins), [("http://a", origin), ("http://b", origin)]);
    assert_eq!(all(&given.header), [("X: a,b", "MCPO_HEADER")]);
}

#[test]
fn version_without_a_value_and_help_are_shown() {
    for line in ["--version", "-v", "--version --port 1", "--version -- uvx"] {
        let Ok(Invocation::Show(text)) = invocation(line, &[]) else { panic!("{line}: not shown") };
        assert_eq!(text, concat!("mcpo ", env!("CARGO_PKG_VERSION"), "\n"));
    }
    let secrets = [("MCPO_API_KEY", "hunter2"), ("API_KEY", "hunter2"), ("MCPO_HEADER", "X: hunter2")];
    let Ok(Invocation::Show(help)) = invocation("--help", &secrets) else { panic!("no help") };
    for taught in ["--root-path /tools", "mcpo -- uvx", "--config config.json", "MCPO_API_KEY_FILE"] {
        assert!(help.contains(taught), "{taught}");
    }
    assert!(!help.contains("hunter2"));
}

#[test]
fn the_example_server_is_a_word_of_its_own() {
    assert!(matches!(invocation("example-server", &[("MCPO_PORT", "1")]), Ok(Invocation::ExampleServer)));
}

/// The action, its server, and the options of a line that is about tokens.
fn tokens(line: &str) -> (&'static str, Option<String>, Options) {
    match invocation(line, &[]) {
        Ok(Invocation::Tokens { action, options }) => {
            let (action, server) = match action {
                TokenAction::Login(server) => ("login", server),
                TokenAction::Logout(server) => ("logout", server),
                TokenAction::List => ("list", None),
            };
            (action, server, *options)
        }
        Ok(_) => panic!("{line}: not about tokens"),
        Err(error) => panic!("{line}: {error}"),
    }
}

#[test]
fn options_stand_before_or_after_the_word() {
    for (line, expected) in [
        ("login github --config c.json --token-dir d", ("login", Some("github"))),
        ("--config c.json --token-dir d login github", ("login", Some("github"))),
        ("--config c.json login --token-dir d github", ("login", Some("github"))),
        ("--token-dir x login --config c.json --token-dir d", ("login", None)),
        ("logout github -c c.json --token-dir d", ("logout", Some("github"))),
        ("--config c.json tokens --token-dir x --token-dir d", ("list", None)),
    ] {
        let (action, server, options) = tokens(line);
        assert_eq!((action, server.as_deref()), expected, "{line}");
        assert_eq!(shown(&options.config), Some(("c.json", "--config")), "{line}");
        assert_eq!(shown(&options.token_dir), Some(("d", "--token-dir")), "{line}");
        assert!(options.command.is_empty(), "{line}");
    }
    let (_, server, options) = tokens("login -H X:1 -- https://example.com/mcp");
    assert_eq!((server, options.command), (None, vec!["https://example.com/mcp".to_owned()]));
    assert_eq!(all(&options.header), [("X:1", "--header")]);
    assert_eq!(self::options("--name login -- login x", &[]).command, ["login", "x"]);
}

#[test]
fn a_sub_command_has_a_help_of_its_own() {
    for line in ["login --help", "--port 1 login x --help", "login --help -- http://h"] {
        let Ok(Invocation::Show(help)) = invocation(line, &[]) else { panic!("{line}: no help") };
        assert!(help.contains("Usage: mcpo login [SERVER]") && help.contains("-- URL"), "{help}");
        assert!(help.lines().count() < 12, "{help}");
    }
    let Ok(Invocation::Show(help)) = invocation("--help", &[]) else { panic!("no help") };
    for line in ["  login           Log", "  logout          Forget", "  tokens          List"] {
        assert!(help.contains(line), "{line}: {help}");
    }
}
