//! The `oauth` block of a server, the options about logins, and the sub-commands about tokens.

use super::{OptionCase, check_options, check_servers, directory, mcpo, write};

/// The inside of the `oauth` block; the message after its key.
fn check_blocks(cases: &[(&str, &str)]) {
    let cases: Vec<_> = cases
        .iter()
        .map(|(inside, message)| {
            (format!(r#""url": "http://h", "oauth": {{{inside}}}"#), format!(".oauth{message}"))
        })
        .collect();
    let cases: Vec<_> = cases.iter().map(|(text, message)| (text.as_str(), message.as_str())).collect();
    check_servers(&cases);
}

#[test]
fn the_keys_of_the_block_are_checked() {
    check_servers(&[(r#""url": "http://h", "oauth": true"#, ".oauth: expected an object, found true")]);
    check_blocks(&[
        (
            r#""storage_type": "disk""#,
            ".storage_type: unknown storage \"disk\"; use \"file\", \"memory\" or \"keyring\"",
        ),
        (
            r#""server_url": "auth.example""#,
            ".server_url: not a whole URL; write it as in \"https://example.com/mcp\"",
        ),
        (r#""callback_port": 70000"#, ".callback_port: not a port; use a number from 1 to 65535"),
        (r#""callback_port": 0"#, ".callback_port: not a port; use a number from 1 to 65535"),
        (r#""use_loopback": "no""#, ".use_loopback: expected true or false, found a string"),
        (
            r#""grant_type": "password""#,
            ".grant_type: unknown grant \"password\"; use \"authorization_code\" or \"client_credentials\"",
        ),
        (
            r#""client_id": "me", "token_endpoint_auth_method": "client_secret_jwt""#,
            ".token_endpoint_auth_method: unknown method \"client_secret_jwt\"; use \"none\", \
             \"client_secret_basic\", \"client_secret_post\" or \"private_key_jwt\"",
        ),
        (r#""client_id": 5"#, ".client_id: expected a string, found a number"),
        (r#""client_id": "${NONE}""#, ".client_id: is empty; fill it in, or leave it out"),
    ]);
}

#[test]
fn what_mcpo_sets_itself_is_not_added_to_requests() {
    let own = |instead: &str| format!("mcpo sets this parameter itself; {instead}");
    let cases = [
        ("state", own("remove it")),
        ("STATE", own("remove it")),
        ("code", own("remove it")),
        ("code_challenge", own("remove it")),
        ("code_challenge_method", own("remove it")),
        ("code_verifier", own("remove it")),
        ("response_type", own("remove it")),
        ("response_mode", own("remove it")),
        ("refresh_token", own("remove it")),
        ("request_uri", own("remove it")),
        ("redirect_uri", own("give \"callback_port\", or the option --public-url")),
        ("client_id", own("give \"client_id\" in the oauth block itself")),
        ("client_secret", own("give \"client_secret\" or \"client_secret_file\" in the oauth block itself")),
        ("client_assertion", own("give \"private_key\" or \"private_key_file\"")),
        ("grant_type", own("give \"grant_type\" in the oauth block itself")),
        ("scope", own("give \"scope\" in \"client_metadata\"")),
        ("resource", own("leave it out with \"resource_parameter\": false")),
    ];
    for key in ["authorization_params", "token_params"] {
        for (name, message) in &cases {
            check_blocks(&[(
                &format!(r#""{key}": {{"{name}": "hunter2"}}"#),
                &format!(".{key}.{name}: {message}"),
            )]);
        }
        let nameless = "not a parameter's name; use letters, digits, -, . and _";
        for name in ["", "state ", "a=b"] {
            let inside = format!(r#""{key}": {{"{name}": "hunter2"}}"#);
            check_blocks(&[(&inside, &format!(".{key}.{name:?}: {nameless}"))]);
        }
        check_blocks(&[
            (&format!(r#""{key}": ["a=b"]"#), &format!(".{key}: expected an object, found a list")),
            (&format!(r#""{key}": {{"a": ["b"]}}"#), &format!(".{key}.a: expected a string, found a list")),
        ]);
    }
    check_blocks(&[
        (r#""resource_parameter": "no""#, ".resource_parameter: expected true or false, found a string"),
        (r#""assume_pkce": "S256""#, ".assume_pkce: expected true or false, found a string"),
    ]);
}

#[test]
fn a_client_does_not_contradict_itself() {
    let nameless = "tells of a client without a name; add \"client_id\", or remove this";
    let keyless =
        "tells of a key that is not there; add \"private_key\" or \"private_key_file\", or remove this";
    let both = "the client has a secret too, and proves itself with only one; remove one of the two";
    let public = "\"none\" is for a client without secret and key; remove those, or this";
    let secret = "needs \"client_secret\" or \"client_secret_file\"";
    let method = r#""client_id": "me", "token_endpoint_auth_method""#;
    for (inside, key, message) in [
        (r#""client_secret": "hunter2""#, "client_secret", nameless),
        (r#""private_key_file": "key.pem""#, "private_key_file", nameless),
        (r#""key_id": "1""#, "key_id", nameless),
        (r#""token_endpoint_auth_method": "client_secret_post""#, "token_endpoint_auth_method", nameless),
        (r#""client_id": "me", "key_id": "1""#, "key_id", keyless),
        (
            r#""client_id": "me", "client_secret": "hunter2", "signing_algorithm": "ES256""#,
            "signing_algorithm",
            keyless,
        ),
        (r#""client_id": "me", "client_secret": "hunter2", "private_key": "hunter3""#, "private_key", both),
        (
            r#""client_id": "me", "client_secret": "hunter2", "client_secret_file": "s""#,
            "client_secret_file",
            "the secret is given by client_secret too; keep one of the two",
        ),
        (
            r#""client_id": "me", "private_key": "hunter2", "private_key_file": "s""#,
            "private_key_file",
            "the key is given by private_key too; keep one of the two",
        ),
        (&format!(r#"{method}: "none", "client_secret": "hunter2""#), "token_endpoint_auth_method", public),
        (
            &format!(r#"{method}: "client_secret_basic""#),
            "token_endpoint_auth_method",
            &format!("\"client_secret_basic\" {secret}"),
        ),
        (
            &format!(r#"{method}: "client_secret_post""#),
            "token_endpoint_auth_method",
            &format!("\"client_secret_post\" {secret}"),
        ),
        (
            &format!(r#"{method}: "private_key_jwt", "client_secret": "hunter2""#),
            "token_endpoint_auth_method",
            "\"private_key_jwt\" needs \"private_key\" or \"private_key_file\"",
        ),
    ] {
        check_blocks(&[(inside, &format!(".{key}: {message}"))]);
    }
}

#[test]
fn client_credentials_need_a_credential() {
    let message = ".grant_type: \"client_credentials\" needs a client that can prove itself; add \"client_id\", and \
                   \"client_secret\" or \"private_key\"";
    check_blocks(&[
        (r#""grant_type": "client_credentials""#, message),
        (r#""grant_type": "client_credentials", "client_id": "me""#, message),
        (
            r#""grant_type": "client_credentials", "client_id": "me", "token_endpoint_auth_method": "none""#,
            message,
        ),
    ]);
}

#[test]
fn the_files_of_a_client_are_checked() {
    check_blocks(&[
        (
            r#""client_id": "me", "client_secret": "${NONE}""#,
            ".client_secret: is empty; fill it in, or leave it out",
        ),
        (
            r#""client_id": "me", "client_secret_file": "none""#,
            ".client_secret_file: cannot read none: no such file",
        ),
        (
            r#""client_id": "me", "client_secret_file": "${NONE}""#,
            ".client_secret_file: is empty; name a file",
        ),
        (
            r#""client_id": "me", "client_secret_file": ".""#,
            ".client_secret_file: cannot read .: it is a directory",
        ),
        (
            r#""client_id": "me", "client_secret_file": "/dev/null""#,
            ".client_secret_file: /dev/null is empty; write the secret into it",
        ),
        (
            r#""client_id": "me", "private_key_file": "none""#,
            ".private_key_file: cannot read none: no such file",
        ),
        (
            r#""client_id": "me", "private_key_file": "/dev/null""#,
            ".private_key_file: /dev/null is empty; write the key into it",
        ),
    ]);
}

#[test]
fn a_key_that_cannot_be_used_is_named_and_not_shown() {
    let directory = directory();
    let pem = "-----BEGIN PRIVATE KEY-----\\nhunter2\\n-----END PRIVATE KEY-----";
    for key in ["hunter2", pem] {
        let oauth = format!(r#"{{"client_id": "me", "private_key": "{key}"}}"#);
        let config = format!(r#"{{"mcpServers": {{"a": {{"url": "http://h", "oauth": {oauth}}}}}}}"#);
        write(&directory, "config.json", config);
        let output = mcpo(directory.path(), &["--config", "config.json"], &[]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.starts_with("mcpo: config.json:1: mcpServers.a.oauth.private_key: "), "{stderr}");
        assert!(!stderr.contains("hunter2") && stderr.lines().count() == 1, "{stderr}");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn client_metadata_have_the_types_of_the_standard() {
    let misplaced = "is not registered but belongs to a registered client; move it up, into \"oauth\" itself";
    for (inside, message) in [
        ("[]", ": expected an object, found a list"),
        (r#"{"scope": ["read"]}"#, ".scope: expected a string, found a list"),
        (r#"{"client_name": 5}"#, ".client_name: expected a string, found a number"),
        (r#"{"grant_types": "refresh_token"}"#, ".grant_types: expected a list, found a string"),
        (r#"{"contacts": [true]}"#, ".contacts[0]: expected a string, found true"),
        (
            r#"{"redirect_uris": "http://localhost:3030/callback"}"#,
            ".redirect_uris: expected a list, found a string",
        ),
        (
            r#"{"redirect_uris": ["http://localhost/", "localhost:3030"]}"#,
            ".redirect_uris[1]: the URL's scheme is \"localhost\"; use http or https",
        ),
        (
            r#"{"redirect_uris": ["https://h/callback#x"]}"#,
            ".redirect_uris[0]: a redirect URI has no fragment; remove # and what follows it",
        ),
        (
            r#"{"token_endpoint_auth_method": "tls_client_auth"}"#,
            ".token_endpoint_auth_method: unknown method \"tls_client_auth\"; use \"none\", \
             \"client_secret_basic\", \"client_secret_post\" or \"private_key_jwt\"",
        ),
        (r#"{"client_id": "me"}"#, &format!(".client_id: {misplaced}")),
        (r#"{"client_secret": "hunter2"}"#, &format!(".client_secret: {misplaced}")),
    ] {
        let block = format!(r#""client_metadata": {inside}"#);
        check_blocks(&[(&block, &format!(".client_metadata{message}"))]);
    }
}

#[test]
fn options_about_logins_are_checked() {
    let directory = directory();
    write(&directory, "empty", "\n");
    write(&directory, "short", "123456789012345\n");
    write(&directory, "key", "1234567890123456\n");
    let whole = "--public-url: not a whole URL; write it as in \"https://example.com/mcp\"";
    let ended = "--public-url: holds a query or a fragment; end it with the path";
    let named = "--public-url: holds a user name or a password; browsers do not send them, so remove them";
    let cases: &[OptionCase<'_>] = &[
        ("--public-url example.com/tools -- x", &[], whole),
        ("--public-url= -- x", &[], whole),
        (
            "-- x",
            &[("MCPO_PUBLIC_URL", "ftp://example.com")],
            "MCPO_PUBLIC_URL: the URL's scheme is \"ftp\"; use http or https",
        ),
        ("--public-url https://h/?key=hunter2 -- x", &[], ended),
        ("--public-url https://h/# -- x", &[], ended),
        ("--public-url https://ada@h -- x", &[], named),
        ("--public-url https://:hunter2@h -- x", &[], named),
        ("--token-dir= -- x", &[], "--token-dir: is empty; name a folder"),
        (
            "--token-key 123456789012345 -- x",
            &[],
            "--token-key: the key is too short; use 16 characters or more",
        ),
        ("--token-key= -- x", &[], "--token-key: the key is too short; use 16 characters or more"),
        (
            "--token-key-file short -- x",
            &[],
            "--token-key-file: the key is too short; use 16 characters or more",
        ),
        ("--token-key-file none -- x", &[], "--token-key-file: cannot read none: no such file"),
        ("--token-key-file empty -- x", &[], "--token-key-file: empty is empty; write the key into it"),
        (
            "--token-key-file key -- x",
            &[("MCPO_TOKEN_KEY", "hunter2hunter2hunter2")],
            "--token-key-file: the key is given by MCPO_TOKEN_KEY too; keep one of the two",
        ),
    ];
    check_options(directory.path(), cases);
}

#[test]
fn words_about_tokens_teach() {
    let directory = directory();
    let server = |name: &str| format!(r#""{name}": {{"url": "http://h"}}"#);
    let stdio = r#""time": {"command": "x"}"#;
    let config = |servers: &[&str]| format!(r#"{{"mcpServers": {{{}}}}}"#, servers.join(", "));
    write(&directory, "two.json", config(&[&server("a"), stdio, &server("b c")]));
    write(&directory, "none.json", config(&[stdio]));
    let nothing = "whose tokens? Name a config file, as in: mcpo login --config config.json, or a URL, as in: \
                   mcpo login -- https://example.com/mcp";
    let none = "there is no remote server; only those with a URL have tokens";
    let cases: &[OptionCase<'_>] = &[
        ("login", &[], nothing),
        ("login https://example.com/mcp", &[], nothing),
        ("tokens --token-dir x", &[], nothing),
        ("login a b", &[], "unexpected \"b\"; mcpo login --help tells what it takes"),
        ("tokens a", &[], "unexpected \"a\"; mcpo tokens --help tells what it takes"),
        ("login --tokendir x", &[], "unknown option --tokendir; did you mean --token-dir?"),
        ("logout --config", &[], "--config <FILE> needs a value"),
        ("login a --config gone.json", &[], "--config: cannot read gone.json: no such file"),
        ("login --config two.json", &[], "which server? Name one of a, b c"),
        ("login d -c two.json", &[], "no remote server is called \"d\"; the config has a, b c"),
        (
            "logout time",
            &[("MCPO_CONFIG", "two.json")],
            "no remote server is called \"time\"; the config has a, b c",
        ),
        ("login time --config none.json", &[], none),
        ("login -- uvx", &[], none),
        (
            "login a -- http://h",
            &[],
            "\"a\" and a URL after -- were both given; remove the name, or name a config file instead",
        ),
        ("example-server -- x", &[], "example-server stands alone: it takes no options and no arguments"),
    ];
    check_options(directory.path(), cases);
}
