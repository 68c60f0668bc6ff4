//! The command line, the variables, and the one server after `--`.

use std::net::TcpListener;

use super::{OptionCase, check_options, difference, directory, mcpo, write};

const NOTHING: &str = "nothing to serve. Give the command of an MCP server after --, as in: \
    mcpo -- uvx mcp-server-time, or a config file: mcpo --config config.json (mcpo --help tells more)";

#[test]
fn the_command_line_teaches() {
    let cases: &[OptionCase<'_>] = &[
        ("", &[], NOTHING),
        ("--", &[], NOTHING),
        ("--port 8000", &[], NOTHING),
        ("--prot 8000", &[], "unknown option --prot; did you mean --port?"),
        ("--frobnicate", &[], "unknown option --frobnicate; mcpo --help lists them all"),
        ("-z", &[], "unknown option -z; mcpo --help lists them all"),
        ("--port", &[], "--port <PORT> needs a value"),
        ("-h", &[], "--host <HOST> needs a value"),
        ("--api-key --port 80 -- x", &[], "--api-key <KEY> needs a value"),
        ("--strict-auth=yes -- x", &[], "--strict-auth takes no value"),
        (
            "uvx mcp-server-time",
            &[],
            "unexpected \"uvx\". Put -- before the command or URL, as in: mcpo --port 8000 -- uvx",
        ),
        (
            "--port 80 https://example.com",
            &[],
            "unexpected \"https://example.com\". Put -- before the command or URL, as in: \
             mcpo --port 8000 -- https://example.com",
        ),
        (
            "--port 80 example-server",
            &[],
            "example-server stands alone: it takes no options and no arguments",
        ),
        (
            "example-server --port 80",
            &[],
            "example-server stands alone: it takes no options and no arguments",
        ),
    ];
    check_options(directory().path(), cases);
}

#[test]
fn values_of_options_are_checked() {
    let cases: &[OptionCase<'_>] = &[
        ("--port abc -- x", &[], "--port: \"abc\" is not a port; use a number from 0 to 65535"),
        ("--port 65536 -- x", &[], "--port: \"65536\" is not a port; use a number from 0 to 65535"),
        ("--port=-1 -- x", &[], "--port: \"-1\" is not a port; use a number from 0 to 65535"),
        (
            "-p tcp://10.0.0.1:80 -- x",
            &[],
            "--port: \"tcp://10.0.0.1:80\" is not a port; use a number from 0 to 65535",
        ),
        ("--metrics-port=-1 -- x", &[], "--metrics-port: \"-1\" is not a port; use a number from 0 to 65535"),
        (
            "--host= -- x",
            &[],
            "--host: is empty; use an address such as 127.0.0.1, or leave it out for 0.0.0.0",
        ),
        ("--type foo -- x", &[], "--type: unknown type \"foo\"; use stdio, sse or streamable-http"),
        (
            "--operation-ids short -- x",
            &[],
            "--operation-ids: unknown style \"short\"; use compatible, bare or prefixed",
        ),
        (
            "--max-total-size lots -- x",
            &[],
            "--max-total-size: \"lots\" is not a size; write one such as 64MiB, or a number of bytes",
        ),
        (
            "--max-body-size big -- x",
            &[],
            "--max-body-size: \"big\" is not a size; write one such as 64MiB, or a number of bytes",
        ),
        (
            "-- x",
            &[("MCPO_MAX_RESULT_SIZE", "0")],
            "MCPO_MAX_RESULT_SIZE: \"0\" is not a size; write one such as 64MiB, or a number of bytes",
        ),
        (
            "--call-timeout soon -- x",
            &[],
            "--call-timeout: \"soon\" is not a time in seconds; use a number above 0 and at most a year",
        ),
        (
            "-- x",
            &[("MCPO_CONNECT_TIMEOUT", "0")],
            "MCPO_CONNECT_TIMEOUT: \"0\" is not a time in seconds; use a number above 0 and at most a year",
        ),
        (
            "--trusted-proxy proxy.example -- x",
            &[],
            "--trusted-proxy: \"proxy.example\" is not an address; write one such as 10.0.0.1, or a network such as \
             10.0.0.0/8",
        ),
        ("--max-connections 0 -- x", &[], "--max-connections: \"0\" is not a number from 1 to 1000000"),
        ("--max-concurrent 0 -- x", &[], "--max-concurrent: \"0\" is not a number from 1 to 1000000"),
        (
            "-- x",
            &[("MCPO_MAX_QUEUED", "many")],
            "MCPO_MAX_QUEUED: \"many\" is not a number from 0 to 1000000",
        ),
        (
            "--restarts-per-minute 0 -- x",
            &[],
            "--restarts-per-minute: \"0\" is not a number from 1 to 1000000",
        ),
        (
            "--log-level loud -- x",
            &[],
            "--log-level: unknown level \"loud\"; use trace, debug, info, warning, error or critical",
        ),
        (
            "--otlp-endpoint collector:4318 -- x",
            &[],
            "--otlp-endpoint: not an http or https URL; write it as in http://localhost:4318",
        ),
        (
            "-- x",
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")],
            "OTEL_EXPORTER_OTLP_ENDPOINT: not an http or https URL; write it as in http://localhost:4318",
        ),
        ("--log-format xml -- x", &[], "--log-format: unknown format \"xml\"; use human or json"),
        (
            "--shutdown-timeout soon -- x",
            &[],
            "--shutdown-timeout: \"soon\" is not a time; write a whole number of seconds, at most 86400",
        ),
        (
            "-- x",
            &[("MCPO_SHUTDOWN_TIMEOUT", "86401")],
            "MCPO_SHUTDOWN_TIMEOUT: \"86401\" is not a time; write a whole number of seconds, at most 86400",
        ),
        ("--api-key= -- x", &[], "--api-key: the key is empty; leave the option out to let everyone call"),
        ("--root-path /a?b -- x", &[], "--root-path: \"/a?b\" holds '?'; write a path such as /api/v1"),
        (
            "--root-path /a/../b -- x",
            &[],
            "--root-path: \"/a/../b\" holds a . or .. segment; write a path such as /api/v1",
        ),
        (
            "--root-path https://example.com/a -- x",
            &[],
            "--root-path: \"https://example.com/a\" is a whole URL; write a path such as /api/v1",
        ),
        ("--path-prefix /a//b -- x", &[], "--path-prefix: \"/a//b\" holds //; write a path such as /api/v1"),
        ("--path-prefix /a#b -- x", &[], "--path-prefix: \"/a#b\" holds '#'; write a path such as /api/v1"),
        (
            "--cors-allow-origins https://a.example/app -- x",
            &[],
            "--cors-allow-origins: \"https://a.example/app\" is not an origin; write it as in https://app.example.com \
             or http://localhost:3000, without a path, or * for any",
        ),
        (
            "--cors-allow-origins * --cors-allow-origins a.example -- x",
            &[],
            "--cors-allow-origins: \"a.example\" is not an origin; write it as in https://app.example.com \
             or http://localhost:3000, without a path, or * for any",
        ),
        (
            "--jwt-issuer https://id.example.com -- x",
            &[],
            "--jwt-issuer: not every token of an issuer is meant for this gateway; say with --jwt-audience which ones \
             are",
        ),
        (
            "-- x",
            &[("MCPO_JWT_AUDIENCE", "mcpo,other")],
            "MCPO_JWT_AUDIENCE: an audience needs its issuer; give --jwt-issuer as well",
        ),
        (
            "--jwt-issuer https://id.example.com --jwt-audience= -- x",
            &[],
            "--jwt-audience: is empty; write what the tokens have as \"aud\"",
        ),
        (
            "--jwt-issuer id.example.com --jwt-audience mcpo -- x",
            &[],
            "--jwt-issuer: not a whole URL; write it as in \"https://example.com/mcp\"",
        ),
        (
            "--jwt-issuer http://id.example.com --jwt-audience mcpo -- x",
            &[],
            "--jwt-issuer: an issuer beyond this machine needs https: its keys would come unprotected",
        ),
        (
            "--jwt-issuer https://id.example.com?realm=a --jwt-audience mcpo -- x",
            &[],
            "--jwt-issuer: holds a query or a fragment; an issuer has none, so remove it",
        ),
        (
            "--jwt-issuer https://ada:hunter2@id.example.com --jwt-audience mcpo -- x",
            &[],
            "--jwt-issuer: holds a user name or a password; an issuer has none, so remove them",
        ),
        ("--env A -- x", &[], "--env: write it as NAME=value"),
        ("--env =hunter2 -- x", &[], "--env: write it as NAME=value"),
    ];
    check_options(directory().path(), cases);
}

/// Before anything is started: the program that is missing would be told of too.
#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let directory = directory();
    write(&directory, "config.json", r#"{"mcpServers": {"a": {"command": "x"}}}"#);
    for (option, other) in [("--port", "--metrics-port"), ("--metrics-port", "--port")] {
        let line = format!("--host 127.0.0.1 {option} {port} {other} 0 --config config.json");
        let message = format!(
            "cannot listen on 127.0.0.1:{port}: the port is in use; stop what uses it or choose another with {option}"
        );
        check_options(directory.path(), &[(&line, &[], &message)]);
    }
}

#[test]
fn variables_are_named_where_they_are_wrong() {
    let cases: &[OptionCase<'_>] = &[
        ("-- x", &[("MCPO_PORT", "abc")], "MCPO_PORT: \"abc\" is not a port; use a number from 0 to 65535"),
        ("-- x", &[("MCPO_STRICT_AUTH", "maybe")], "MCPO_STRICT_AUTH: \"maybe\" is neither true nor false"),
        (
            "-- x",
            &[("MCPO_TYPE", "foo")],
            "MCPO_TYPE: unknown type \"foo\"; use stdio, sse or streamable-http",
        ),
        (
            "-- x",
            &[("MCPO_LOG_LEVEL", "loud")],
            "MCPO_LOG_LEVEL: unknown level \"loud\"; use trace, debug, info, warning, error or critical",
        ),
        (
            "-- x",
            &[("MCPO_CORS_ALLOW_ORIGINS", "https://a.example, b.example")],
            "MCPO_CORS_ALLOW_ORIGINS: \"b.example\" is not an origin; write it as in https://app.example.com \
             or http://localhost:3000, without a path, or * for any",
        ),
        ("-- x", &[("MCPO_ENV", "hunter2")], "MCPO_ENV: write it as NAME=value"),
        ("-- x", &[("MCPO_API_KEY_FILE", "none")], "MCPO_API_KEY_FILE: cannot read none: no such file"),
        (
            "--api-key-file none -- x",
            &[("MCPO_API_KEY", "hunter2")],
            "--api-key-file: the key is given by MCPO_API_KEY too; keep one of the two",
        ),
        (
            "-- x",
            &[("MCPO_CONFIG", "config.json")],
            "MCPO_CONFIG: a config file and a command after -- were both given; keep one, or move the command into \
             the file's mcpServers",
        ),
        ("", &[("MCPO_CONFIG", "config.json")], "MCPO_CONFIG: cannot read config.json: no such file"),
        ("", &[("MCPO_CONFIG", "")], NOTHING),
        (
            "",
            &[("MCPO_HEADER", "X: hunter2"), ("MCPO_CONFIG", "config.json")],
            "MCPO_HEADER: headers are for the one server after --; with a config file, put them into the server's \
             \"headers\"",
        ),
    ];
    check_options(directory().path(), cases);
}

#[test]
fn the_single_server_must_fit_its_type() {
    let one_url = "types sse and streamable-http want one URL after --, and nothing else; leave --type out to start a \
                   command";
    let cases: &[OptionCase<'_>] = &[
        ("--type sse -- uvx", &[], "type sse: not a whole URL; write it as in \"https://example.com/mcp\""),
        (
            "--type http -- ftp://h/",
            &[],
            "type streamable-http: the URL's scheme is \"ftp\"; use http or https",
        ),
        ("--type sse -- uvx tool", &[], one_url),
        ("--type http -- http://h/ more", &[], one_url),
        ("-- http://h/ more", &[], "a URL after -- stands alone; remove what follows it"),
        ("-- https://", &[], "the URL after --: not a valid URL: empty host"),
        (
            "--type stdio -- http://h/",
            &[],
            "type stdio starts a command, but a URL stands after --; leave --type out, or use --type streamable-http",
        ),
        (
            "--header X:hunter2 -- uvx",
            &[],
            "--header: a command takes no headers; pass it variables with --env, or give a URL after --",
        ),
        (
            "--header X:hunter2 --config config.json",
            &[],
            "--header: headers are for the one server after --; with a config file, put them into the server's \
             \"headers\"",
        ),
        (
            "--config config.json -- uvx",
            &[],
            "--config: a config file and a command after -- were both given; keep one, or move the command into the \
             file's mcpServers",
        ),
        (
            "--header hunter2 -- http://h",
            &[],
            "--header: write it as \"Key: Value\", or all of them as one JSON object",
        ),
        (
            "--header X(Y:hunter2 -- http://h",
            &[],
            "--header: not a header name; use letters, digits and -, as in \"X-Api-Key\"",
        ),
        (
            "--header X:1 --header x:2 -- http://h",
            &[],
            "--header: x is given twice (case does not count); keep one of the two",
        ),
        (
            "--header X:${TOKEN} -- http://h",
            &[],
            "--header: the environment variable TOKEN is not set; set it, pass --env TOKEN=value, or write \
             ${TOKEN:-default} here",
        ),
        ("--header {\"X\":5} -- http://h", &[], "--header: X: expected a string, found a number"),
        ("--header {\"X\" -- http://h", &[], "--header: not valid JSON: a colon is missing after the key"),
    ];
    check_options(directory().path(), cases);
    let empty = mcpo(directory().path(), &["--", ""], &[]);
    assert_eq!(difference(&empty, "the command after -- is empty; name the program to start"), None);
    let header = mcpo(directory().path(), &["-H", "X: hunter2\n", "--", "http://h"], &[]);
    let message = "--header: the value of x holds a line break or another character that no header may";
    assert_eq!(difference(&header, message), None);
}
