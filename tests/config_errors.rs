//! Broken options, variables, files and configs, each with the exact message that a user reads.
//!
//! Every case runs the real binary in a directory of its own, with no variables but its own, and must end with exit
//! code 2, nothing on stdout, and one message on stderr.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// The arguments, split at spaces; the variables; the message after `mcpo: `.
type OptionCase<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

/// The text of `config.json`, and the message after `mcpo: config.json`.
type ConfigCase<'a> = (&'a str, &'a str);

const NOTHING: &str = "nothing to serve. Give the command of an MCP server after --, as in: \
    mcpo -- uvx mcp-server-time, or a config file: mcpo --config config.json (mcpo --help tells more)";

fn mcpo(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mcpo"))
        .current_dir(directory)
        .env_clear()
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .expect("mcpo starts")
}

/// What is wrong with the answer, if anything.
fn difference(output: &Output, message: &str) -> Option<String> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let expected = format!("mcpo: {message}\n");
    let right = stderr == expected && output.stdout.is_empty() && output.status.code() == Some(2);
    (!right).then(|| format!("{}\n  got:      {stderr}  expected: {expected}", output.status))
}

fn check_options(directory: &Path, cases: &[OptionCase<'_>]) {
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|(line, variables, message)| {
            let arguments: Vec<_> = line.split_whitespace().collect();
            let difference = difference(&mcpo(directory, &arguments, variables), message)?;
            Some(format!("mcpo {line} {variables:?}: {difference}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn write(directory: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    fs::write(directory.path().join(name), content).expect("a file is written");
}

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
            "--log-level loud -- x",
            &[],
            "--log-level: unknown level \"loud\"; use trace, debug, info, warning, error or critical",
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
        ("--env A -- x", &[], "--env: write it as NAME=value"),
        ("--env =hunter2 -- x", &[], "--env: write it as NAME=value"),
    ];
    check_options(directory().path(), cases);
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

#[test]
fn files_that_options_name_are_checked() {
    let directory = directory();
    fs::create_dir(directory.path().join("folder")).expect("a directory");
    write(&directory, "empty", "\n");
    write(&directory, "key", "key\n");
    write(&directory, "binary", [0xff, 0xfe, 0x7b, 0x00]);
    write(&directory, "a.env", "# comment\n\nA=1\nhunter2\n");
    write(&directory, "b.env", "A=1\nB=two words\n");
    write(&directory, "c.env", "A=1\nB='never closed\nC=2\n\n");
    let bad_line =
        "not a variable; write NAME=value, with the value in single quotes if it holds spaces, quotes or $";
    let cases: &[OptionCase<'_>] = &[
        ("--config=", &[], "--config: is empty; name a file"),
        ("--config none.json", &[], "--config: cannot read none.json: no such file"),
        ("--config folder", &[], "--config: cannot read folder: it is a directory"),
        ("--config binary", &[], "--config: binary is not UTF-8 text; save it as UTF-8"),
        ("--api-key-file none -- x", &[], "--api-key-file: cannot read none: no such file"),
        ("--api-key-file folder -- x", &[], "--api-key-file: cannot read folder: it is a directory"),
        ("--api-key-file empty -- x", &[], "--api-key-file: empty is empty; write the key into it"),
        (
            "--api-key-file key --api-key key -- x",
            &[],
            "--api-key-file: the key is given by --api-key too; keep one of the two",
        ),
        ("--env-path none -- x", &[], "--env-path: cannot read none: no such file"),
    ];
    check_options(directory.path(), cases);
    for (name, line) in [("a.env", 4), ("b.env", 2), ("c.env", 2)] {
        let output = mcpo(directory.path(), &["--env-path", name, "--", "x"], &[]);
        assert_eq!(difference(&output, &format!("{name}:{line}: {bad_line}")), None);
    }
}

#[test]
fn certificates_that_do_not_load_say_why() {
    let directory = directory();
    let (one, other) = (certificate(), certificate());
    write(&directory, "cert.pem", one.cert.pem());
    write(&directory, "key.pem", one.signing_key.serialize_pem());
    write(&directory, "other.pem", other.signing_key.serialize_pem());
    write(&directory, "text.pem", "not a certificate\n");
    write(&directory, "cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    write(&directory, "cut-key.pem", "-----BEGIN PRIVATE KEY-----\nMIIB\n");
    write(&directory, "junk.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    let cases: &[OptionCase<'_>] = &[
        ("-t cert.pem -- x", &[], "--ssl-certfile: a certificate needs its key; give --ssl-keyfile as well"),
        ("-K key.pem -- x", &[], "--ssl-keyfile: a key needs its certificate; give --ssl-certfile as well"),
        ("-t none.pem -K key.pem -- x", &[], "--ssl-certfile: cannot read none.pem: no such file"),
        ("-t cert.pem -K none.pem -- x", &[], "--ssl-keyfile: cannot read none.pem: no such file"),
        (
            "-t text.pem -K key.pem -- x",
            &[],
            "--ssl-certfile: no certificate in text.pem; it should hold a block that starts with \
             -----BEGIN CERTIFICATE-----",
        ),
        (
            "-t cert.pem -K cert.pem -- x",
            &[],
            "--ssl-keyfile: no private key in cert.pem; it should hold an unencrypted block that starts with \
             -----BEGIN PRIVATE KEY-----",
        ),
        (
            "-t cert.pem -K other.pem -- x",
            &[],
            "--ssl-keyfile: the key in other.pem does not fit the certificate in cert.pem; give the one it was made \
             with",
        ),
        (
            "-t cut.pem -K key.pem -- x",
            &[],
            "--ssl-certfile: cut.pem is not valid PEM: a block is never ended",
        ),
        (
            "-t cert.pem -K cut-key.pem -- x",
            &[],
            "--ssl-keyfile: cut-key.pem is not valid PEM: a block is never ended",
        ),
        ("-t junk.pem -K key.pem -- x", &[], "--ssl-certfile: the certificate in junk.pem is malformed"),
    ];
    check_options(directory.path(), cases);
}

fn certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

fn check_configs(cases: &[ConfigCase<'_>]) {
    let directory = directory();
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|(text, message)| {
            write(&directory, "config.json", text);
            let output =
                mcpo(directory.path(), &["--config", "config.json"], &[("TOKEN", "hunter2\n"), ("NONE", "")]);
            Some(format!("{text}\n{}", difference(&output, &format!("config.json{message}"))?))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_json_is_refused_with_its_line() {
    check_configs(&[
        (
            "",
            r#": the file is empty; write, for example, {"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}"#,
        ),
        (
            "// nothing\n",
            r#": the file is empty; write, for example, {"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}"#,
        ),
        ("{\n\"mcpServers\": {\n", ":2: not valid JSON: a { is never closed"),
        ("{\"a\": 1\n\"b\": 2}", ":1: not valid JSON: a comma is missing"),
        ("{a: 1}", ":1: not valid JSON: keys and strings stand in double quotes"),
        ("{\n'a': 1}", ":2: not valid JSON: keys and strings stand in double quotes"),
        ("{\"a\": 0x10}", ":1: not valid JSON: hexadecimal numbers are not allowed"),
        ("{\"a\": +1}", ":1: not valid JSON: unary plus on numbers is not allowed"),
        ("{\"a\": .5}", ":1: not valid JSON: leading or trailing decimal points on numbers are not allowed"),
        (
            "{\"a\": NaN}",
            ":1: not valid JSON: neither a string in double quotes, a number, true, false nor null",
        ),
        ("{\"a\": \"\\x41\"}", ":1: not valid JSON: an unknown escape; write \\\\ for a backslash"),
        ("{\"a\": [1, 2", ":1: not valid JSON: a [ is never closed"),
        ("{\"a\": \"b}", ":1: not valid JSON: a quote is never closed"),
        (
            "{\"a\": \"\\ud800\"}",
            ":1: not valid JSON: invalid unicode escape sequence. 'd800 (unpaired high surrogate)' is not a valid UTF8 character",
        ),
        ("{} {}", ":1: not valid JSON: something follows the end of the object"),
        (
            "{\n\"a\": \"line\nbreak\"}",
            ":2: a: a line break or tab inside a string; close the quote, or write \\n or \\t",
        ),
    ]);
}

#[test]
fn the_shape_of_the_file_is_checked() {
    check_configs(&[
        ("[]", ":1: expected an object, found a list"),
        (
            "{}",
            r#":1: no "mcpServers" in it; write, for example, {"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}"#,
        ),
        ("{\"mcpservers\": {}}", ":1: no \"mcpServers\" in it; rename \"mcpservers\" to that"),
        (
            "{\n\"mcpServers\": {}}",
            r#":2: mcpServers: no server in it; write, for example, {"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}"#,
        ),
        ("{\"mcpServers\": []}", ":1: mcpServers: expected an object, found a list"),
        ("{\"mcpServers\": {\"a\": null}}", ":1: mcpServers.a: expected an object, found null"),
        ("{\"mcpServers\": {\"a\": \"uvx\"}}", ":1: mcpServers.a: expected an object, found a string"),
        (
            "{\"mcpServers\": {\n\"a\": {\"command\": \"x\"},\n\"a\": {\"command\": \"x\"}}}",
            ":3: mcpServers.a: stands here and on line 2; keep one of the two",
        ),
        (
            "{\"mcpServers\": {\n\"a\": {\"command\": \"x\",\n\"env\": {\"A\": \"1\",\n\"A\": \"2\"}}}}",
            ":4: mcpServers.a.env.A: stands here and on line 3; keep one of the two",
        ),
        (
            "{\"mcpServers\": {\n\" \": {\"command\": \"x\"}}}",
            ":2: mcpServers.\" \": a server's name is empty; give it one, as it becomes part of the URL",
        ),
        (
            "{\"mcpServers\": {\"..\": {\"command\": \"x\"}}}",
            ":1: mcpServers.\"..\": no URL can reach a server of this name; give it another",
        ),
    ]);
}

/// The inside of the server `a`, on line 2 and following; the message after its key.
fn check_servers(cases: &[ConfigCase<'_>]) {
    let cases: Vec<(String, String)> = cases
        .iter()
        .map(|(inside, message)| {
            (format!("{{\"mcpServers\": {{\n\"a\": {{{inside}}}}}}}"), format!(":2: mcpServers.a{message}"))
        })
        .collect();
    let cases: Vec<_> = cases.iter().map(|(text, message)| (text.as_str(), message.as_str())).collect();
    check_configs(&cases);
}

#[test]
fn a_server_needs_a_command_or_a_url_that_fits_its_type() {
    check_servers(&[
        ("", ": a server needs \"command\" (a program to start) or \"url\" (a remote server)"),
        (r#""type": "stdio""#, ": a server of type \"stdio\" needs \"command\""),
        (r#""type": "sse""#, ": a server of this type needs \"url\""),
        (r#""type": "http", "url": null"#, ": a server of this type needs \"url\""),
        (
            r#""command": "x", "url": "http://h""#,
            ".url: a server has \"command\" or \"url\", not both; remove one, or make two servers of it",
        ),
        (
            r#""type": "streamable", "url": "http://h""#,
            ".type: unknown type \"streamable\"; use \"stdio\", \"sse\" or \"streamable-http\"",
        ),
        (r#""type": 5, "url": "http://h""#, ".type: expected a string, found a number"),
        (
            r#""type": "sse", "command": "x""#,
            ".command: does not fit the server's type; use \"url\", or type \"stdio\"",
        ),
        (
            r#""type": "stdio", "url": "http://h""#,
            ".url: does not fit type \"stdio\"; use \"command\", or leave the type out",
        ),
        (r#""command": """#, ".command: is empty; name the program to start"),
        (r#""command": ["x"]"#, ".command: expected a string, found a list"),
        (r#""command": "x\u0000""#, ".command: holds a NUL character"),
        (r#""command": "x", "args": "-v""#, ".args: expected a list, found a string"),
        (r#""command": "x", "args": ["a", 5]"#, ".args[1]: expected a string, found a number"),
        (r#""command": "x", "env": ["A=1"]"#, ".env: expected an object, found a list"),
        (r#""command": "x", "env": {"A": null}"#, ".env.A: expected a string, found null"),
        (r#""command": "x", "env": {"A": {}}"#, ".env.A: expected a string, found an object"),
        (r#""command": "x", "env": {"A=B": "1"}"#, ".env.\"A=B\": not the name of an environment variable"),
        (r#""command": "x", "cwd": 5"#, ".cwd: expected a string, found a number"),
        (r#""url": "example.com/mcp""#, ".url: not a whole URL; write it as in \"https://example.com/mcp\""),
        (r#""url": "ws://example.com""#, ".url: the URL's scheme is \"ws\"; use http or https"),
        (r#""url": "http://""#, ".url: not a valid URL: empty host"),
        (r#""url": "http://h:port""#, ".url: not a valid URL: invalid port number"),
        (r#""url": true"#, ".url: expected a string, found true"),
    ]);
}

#[test]
fn variables_in_strings_must_be_set() {
    check_servers(&[
        (
            r#""command": "x", "args": ["${UNSET}"]"#,
            ".args[0]: the environment variable UNSET is not set; set it, pass --env UNSET=value, or write \
             ${UNSET:-default} here",
        ),
        (
            r#""command": "x", "env": {"K": "${NONE:-${UNSET}}"}"#,
            ".env.K: the environment variable UNSET is not set; set it, pass --env UNSET=value, or write \
             ${UNSET:-default} here",
        ),
        (r#""url": "http://h/${A""#, ".url: a ${ is never closed; add the }, or write $${ for a plain ${"),
        (
            r#""command": "x", "args": ["${env:TOKEN}"]"#,
            ".args[0]: \"${env:TOKEN}\" names no environment variable; write ${NAME} or ${NAME:-default}, or $${ for \
             a plain ${",
        ),
    ]);
}

#[test]
fn headers_never_echo_their_values() {
    check_servers(&[
        (r#""url": "http://h", "headers": ["A: 1"]"#, ".headers: expected an object, found a list"),
        (r#""url": "http://h", "headers": {"X": 5}"#, ".headers.X: expected a string, found a number"),
        (
            r#""url": "http://h", "headers": {"X Y": "hunter2"}"#,
            ".headers.\"X Y\": not a header name; use letters, digits and -, as in \"X-Api-Key\"",
        ),
        (
            r#""url": "http://h", "headers": {"X-Token": "${TOKEN}"}"#,
            ".headers.X-Token: the value of x-token holds a line break or another character that no header may",
        ),
        (
            r#""url": "http://h", "headers": {"X": "1", "x": "2"}"#,
            ".headers.x: x is given twice (case does not count); keep one of the two",
        ),
    ]);
}

#[test]
fn the_other_keys_of_a_server_are_checked() {
    check_servers(&[
        (r#""command": "x", "disabled": "yes""#, ".disabled: expected true or false, found a string"),
        (r#""command": "x", "disabledTools": "t""#, ".disabledTools: expected a list, found a string"),
        (r#""command": "x", "enabled_tools": [1]"#, ".enabled_tools[0]: expected a string, found a number"),
        (
            r#""command": "x", "disabledTools": [], "disabled_tools": []"#,
            ".disabled_tools: means the same as disabledTools; keep one of the two",
        ),
        (r#""command": "x", "timeout": "5""#, ".timeout: expected a number, found a string"),
        (
            r#""command": "x", "timeout": 0"#,
            ".timeout: not a time in seconds; use a number above 0 and at most a year",
        ),
        (
            r#""command": "x", "timeout": -1"#,
            ".timeout: not a time in seconds; use a number above 0 and at most a year",
        ),
        (
            r#""command": "x", "timeout": 1e300"#,
            ".timeout: not a time in seconds; use a number above 0 and at most a year",
        ),
        (r#""command": "x", "timeout": 1e999"#, ".timeout: the number is out of range"),
        (
            r#""command": "x", "validation": "loose""#,
            ".validation: unknown value \"loose\"; use \"lax\", \"strict\" or \"off\"",
        ),
        (r#""command": "x", "results": "raw""#, ".results: unknown value \"raw\"; use \"auto\" or \"text\""),
    ]);
}

#[test]
fn the_blocks_of_a_server_are_checked() {
    check_servers(&[
        (r#""url": "http://h", "oauth": true"#, ".oauth: expected an object, found true"),
        (
            r#""url": "http://h", "oauth": {"storage_type": "disk"}"#,
            ".oauth.storage_type: unknown storage \"disk\"; use \"file\" or \"memory\"",
        ),
        (
            r#""url": "http://h", "oauth": {"server_url": "auth.example"}"#,
            ".oauth.server_url: not a whole URL; write it as in \"https://example.com/mcp\"",
        ),
        (
            r#""url": "http://h", "oauth": {"callback_port": 70000}"#,
            ".oauth.callback_port: not a port; use a number from 1 to 65535",
        ),
        (
            r#""url": "http://h", "oauth": {"use_loopback": "no"}"#,
            ".oauth.use_loopback: expected true or false, found a string",
        ),
        (
            r#""url": "http://h", "oauth": {"client_metadata": []}"#,
            ".oauth.client_metadata: expected an object, found a list",
        ),
        (
            r#""url": "http://h", "client_header_forwarding": {"enabled": 1}"#,
            ".client_header_forwarding.enabled: expected true or false, found a number",
        ),
        (
            r#""url": "http://h", "client_header_forwarding": {"whitelist": "x"}"#,
            ".client_header_forwarding.whitelist: expected a list, found a string",
        ),
        (
            r#""url": "http://h", "client_header_forwarding": {"blacklist": ["x-*-y"]}"#,
            ".client_header_forwarding.blacklist[0]: not a header name; write one as in \"x-user\", or with * at its \
             end, as in \"x-user-*\"",
        ),
    ]);
}
