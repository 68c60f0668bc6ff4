//! Who may call: keys, tokens, rates, the record of calls.

use super::{
    ConfigCase, OptionCase, check_configs, check_options, check_servers, difference, directory, mcpo, write,
};

const NAME: &str = "a key's name is 1 to 64 letters, digits, dots, hyphens and underscores";
const DIGEST: &str = "not the SHA-256 digest of a key; after sha256: stand 64 hexadecimal digits";
const RATE: &str = "is not a rate; write one such as 10/s, 600/min or 5000/h";

/// The value of `access`, on line 2, and the message after its key.
fn check_access(cases: &[ConfigCase<'_>]) {
    let text =
        |value: &str| format!("{{\"mcpServers\": {{\"a\": {{\"command\": \"x\"}}}},\n\"access\": {value}}}");
    let cases: Vec<(String, String)> =
        cases.iter().map(|(value, message)| (text(value), format!(":2: access{message}"))).collect();
    let cases: Vec<_> = cases.iter().map(|(text, message)| (text.as_str(), message.as_str())).collect();
    check_configs(&cases);
}

#[test]
fn named_keys_are_checked_and_never_shown() {
    let directory = directory();
    write(&directory, "keys", "# who calls\n\nada=one\nhunter2\n");
    write(&directory, "twice", "ada=one\nbob=one\n");
    let same = "the same key as that of \"ada\"; nobody could tell the two apart";
    let long = format!("--named-key {}=hunter2 -- x", "a".repeat(65));
    let [name, digest, same_option, same_line] = [
        format!("--named-key: {NAME}"),
        format!("--named-key: {DIGEST}"),
        format!("--named-key: {same}"),
        format!("twice:2: {same}"),
    ];
    let cases: &[OptionCase<'_>] = &[
        ("--named-key hunter2 -- x", &[], "--named-key: write it as NAME=KEY"),
        ("-- x", &[("MCPO_NAMED_KEY", "hunter2")], "MCPO_NAMED_KEY: write it as NAME=KEY"),
        ("--named-key =hunter2 -- x", &[], &name),
        ("--named-key a/b=hunter2 -- x", &[], &name),
        (&long, &[], &name),
        ("--named-key ada= -- x", &[], "--named-key: the key is empty"),
        ("--named-key ada=sha256:12 -- x", &[], &digest),
        (
            "--named-key ada=one --named-key ada=hunter2 -- x",
            &[],
            "--named-key: there are two keys called \"ada\"; rename one",
        ),
        ("--named-key ada=hunter2 --named-key bob=hunter2 -- x", &[], &same_option),
        (
            "--api-key hunter2 --named-key ada=hunter2 -- x",
            &[],
            "--named-key: the same key as that of \"api-key\"; nobody could tell the two apart",
        ),
        ("--named-keys-file nosuch -- x", &[], "--named-keys-file: cannot read nosuch: no such file"),
        ("--named-keys-file keys -- x", &[], "keys:4: write it as NAME=KEY"),
        ("--named-keys-file twice -- x", &[], &same_line),
        (
            "--named-key ada=hunter2 --named-keys-file keys -- x",
            &[],
            "keys:3: there are two keys called \"ada\"; rename one",
        ),
    ];
    check_options(directory.path(), cases);
}

#[test]
fn rates_and_the_record_of_calls_are_checked() {
    let message = |origin: &str, value: &str| format!("{origin}: \"{value}\" {RATE}");
    let [rate, none, variable, address] = [
        message("--rate-limit", "fast"),
        message("--rate-limit", "0/s"),
        message("MCPO_RATE_LIMIT", "10"),
        message("--address-rate-limit", "10/day"),
    ];
    let cases: &[OptionCase<'_>] = &[
        ("--rate-limit fast -- x", &[], &rate),
        ("--rate-limit 0/s -- x", &[], &none),
        ("-- x", &[("MCPO_RATE_LIMIT", "10")], &variable),
        ("--address-rate-limit 10/day -- x", &[], &address),
        ("--audit-log= -- x", &[], "--audit-log: is empty; name a file, or write - for standard output"),
    ];
    check_options(directory().path(), cases);
}

#[test]
fn keys_of_the_config_file_are_checked() {
    let [name, digest, rate] = [
        format!(".keys.\"a b\".key: {NAME}"),
        format!(".keys.a.key: {DIGEST}"),
        format!(".keys.a.rateLimit: \"fast\" {RATE}"),
    ];
    check_access(&[
        ("[]", ": expected an object, found a list"),
        ("null", ": expected an object, found null"),
        (r#"{"keys": []}"#, ".keys: expected an object, found a list"),
        (r#"{"keys": {"a": "hunter2"}}"#, ".keys.a: expected an object, found a string"),
        (r#"{"keys": {"a": {}}}"#, ".keys.a: a key needs \"key\" or \"keyFile\""),
        (r#"{"keys": {"a": {"key": null}}}"#, ".keys.a.key: is null; give it a value, or leave it out"),
        (r#"{"keys": {}}"#, ".keys: no key in it; leave \"keys\" out to have none"),
        (r#"{"key": {"a": {"key": "k"}}}"#, ".key: unknown key; did you mean \"keys\"?"),
        (
            r#"{"keys": {"a": {"key": "k", "readonly": true}}}"#,
            ".keys.a.readonly: unknown key; did you mean \"readOnly\"?",
        ),
        (r#"{"rateLimit": ""}"#, ".rateLimit: is empty; give it a value, or leave it out"),
        (
            r#"{"keys": {"a": {"key": "k", "tools": null}}}"#,
            ".keys.a.tools: is null; give it a value, or leave it out",
        ),
        (
            r#"{"keys": {"a": {"key": "hunter2", "keyFile": "f"}}}"#,
            ".keys.a.keyFile: the key is given by \"key\" too; keep one of the two",
        ),
        (r#"{"keys": {"a": {"key": 5}}}"#, ".keys.a.key: expected a string, found a number"),
        (r#"{"keys": {"a": {"key": "${NONE}"}}}"#, ".keys.a.key: the key is empty"),
        (
            r#"{"keys": {"a": {"key": "${UNSET}"}}}"#,
            ".keys.a.key: the environment variable UNSET is not set; set it, pass --env UNSET=value, or write \
             ${UNSET:-default} here",
        ),
        (r#"{"keys": {"a": {"keyFile": "nosuch"}}}"#, ".keys.a.keyFile: cannot read nosuch: no such file"),
        (r#"{"keys": {"a b": {"key": "hunter2"}}}"#, &name),
        (r#"{"keys": {"a": {"key": "sha256:hunter2"}}}"#, &digest),
        (
            r#"{"keys": {"a": {"key": "${TOKEN}"}, "b": {"key": "${TOKEN}"}}}"#,
            ".keys.b.key: the same key as that of \"a\"; nobody could tell the two apart",
        ),
        (r#"{"keys": {"a": {"key": "k", "rateLimit": "fast"}}}"#, &rate),
        (
            r#"{"keys": {"a": {"key": "k", "rateLimit": 5}}}"#,
            ".keys.a.rateLimit: expected a string, found a number",
        ),
        (
            r#"{"keys": {"a": {"key": "k", "servers": "notes"}}}"#,
            ".keys.a.servers: expected a list, found a string",
        ),
        (
            r#"{"keys": {"a": {"key": "k", "tools": ["a", 5]}}}"#,
            ".keys.a.tools[1]: expected a string, found a number",
        ),
        (
            r#"{"keys": {"a": {"key": "k", "readOnly": "yes"}}}"#,
            ".keys.a.readOnly: expected true or false, found a string",
        ),
    ]);
}

#[test]
fn tokens_of_the_config_file_are_checked() {
    let both = ".jwt: tokens need an \"issuer\" and an \"audience\"";
    let empty = ".jwt.audience: is empty; write what the tokens have as \"aud\"";
    check_access(&[
        (r#"{"jwt": "https://a"}"#, ".jwt: expected an object, found a string"),
        (r#"{"jwt": {}}"#, both),
        (r#"{"jwt": {"issuer": "https://a"}}"#, both),
        (r#"{"jwt": {"audience": "a"}}"#, both),
        (
            r#"{"jwt": {"issuer": "id.example.com", "audience": "a"}}"#,
            ".jwt.issuer: not a whole URL; write it as in \"https://example.com/mcp\"",
        ),
        (
            r#"{"jwt": {"issuer": "http://id.example.com", "audience": "a"}}"#,
            ".jwt.issuer: an issuer beyond this machine needs https: its keys would come unprotected",
        ),
        (
            r#"{"jwt": {"issuer": "https://ada:hunter2@a", "audience": "a"}}"#,
            ".jwt.issuer: holds a user name or a password; an issuer has none, so remove them",
        ),
        (
            r#"{"jwt": {"issuer": "https://a", "audience": ""}}"#,
            ".jwt.audience: is empty; give it a value, or leave it out",
        ),
        (r#"{"jwt": {"issuer": "https://a", "audience": []}}"#, empty),
        (r#"{"jwt": {"issuer": "https://a", "audience": ["a", ""]}}"#, empty),
        (
            r#"{"jwt": {"issuer": "https://a", "audience": ["a", 5]}}"#,
            ".jwt.audience[1]: expected a string, found a number",
        ),
        (
            r#"{"jwt": {"issuer": "https://a", "audience": "a", "claim": ["scope"]}}"#,
            ".jwt.claim: expected a string, found a list",
        ),
        (
            r#"{"jwt": {"issuer": "https://a", "audience": "a", "grants": ["read"]}}"#,
            ".jwt.grants: expected an object, found a list",
        ),
        (
            r#"{"jwt": {"issuer": "https://a", "audience": "a", "grants": {"read": true}}}"#,
            ".jwt.grants.read: expected an object, found true",
        ),
        (
            r#"{"jwt": {"issuer": "https://a", "audience": "a", "grants": {"read": {"readOnly": 1}}}}"#,
            ".jwt.grants.read.readOnly: expected true or false, found a number",
        ),
        (
            r#"{"jwt": {"issuer": "https://a", "audience": "a", "grants": {"read": {"servers": {}}}}}"#,
            ".jwt.grants.read.servers: expected a list, found an object",
        ),
    ]);
}

/// What an option says, the file need not say again.
#[test]
fn options_and_the_file_do_not_contradict_each_other() {
    let directory = directory();
    let arguments = |more: &'static str| ["--config", "config.json"].into_iter().chain(more.split(' '));
    for (access, more, message) in [
        (
            r#"{"keys": {"ada": {"key": "one"}}}"#,
            "--named-key ada=hunter2",
            "config.json:1: access.keys.ada.key: there are two keys called \"ada\"; rename one",
        ),
        (
            r#"{"keys": {"ada": {"key": "hunter2"}}}"#,
            "--api-key hunter2",
            "config.json:1: access.keys.ada.key: the same key as that of \"api-key\"; nobody could tell the two apart",
        ),
        (
            r#"{"jwt": {"issuer": "https://a"}}"#,
            "--jwt-issuer https://a --jwt-audience a",
            "config.json:1: access.jwt.issuer: --jwt-issuer is given too; keep one of the two",
        ),
        (
            r#"{"jwt": {"audience": "a"}}"#,
            "--jwt-issuer https://a --jwt-audience a",
            "config.json:1: access.jwt.audience: --jwt-issuer is given too; keep one of the two",
        ),
    ] {
        let text = format!("{{\"access\": {access}, \"mcpServers\": {{\"a\": {{\"command\": \"x\"}}}}}}");
        write(&directory, "config.json", text);
        let output = mcpo(directory.path(), &arguments(more).collect::<Vec<_>>(), &[]);
        assert_eq!(difference(&output, message), None, "{access}");
    }
}

#[test]
fn what_a_command_inherits_is_checked() {
    check_servers(&[
        (r#""command": "x", "inherit_env": "no""#, ".inherit_env: expected true or false, found a string"),
        (r#""command": "x", "inheritEnv": 0"#, ".inheritEnv: expected true or false, found a number"),
        (
            r#""command": "x", "inherit_env": false, "inheritEnv": false"#,
            ".inheritEnv: means the same as inherit_env; keep one of the two",
        ),
    ]);
}
