//! The keys of a server in the config file.

use super::check_servers;

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
            r#""type": "websocket", "url": "http://h""#,
            ".type: unknown type \"websocket\"; use \"stdio\", \"sse\" or \"streamable-http\"",
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
        (r#""command": "${NONE}""#, ".command: is empty; name the program to start"),
        (r#""command": {"args": []}"#, ".command: needs \"path\" (a program to start)"),
        (
            r#""command": "", "url": " ""#,
            ": a server needs \"command\" (a program to start) or \"url\" (a remote server)",
        ),
        (r#""type": "HTTP", "url": """#, ": a server of this type needs \"url\""),
        (r#""uri": "http://h""#, ": a server needs \"command\" or \"url\"; rename \"uri\" to \"url\""),
        (r#""Command": "x""#, ": a server needs \"command\" or \"url\"; rename \"Command\" to \"command\""),
        (
            r#""url": "http://h", "serverUrl": "http://other""#,
            ".serverUrl: there is another URL beside it; keep one of the two",
        ),
        (
            r#""type": "sse", "transport": "http", "url": "http://h""#,
            ".transport: contradicts \"type\"; keep one of the two",
        ),
        (
            r#""transport": "ws", "url": "http://h""#,
            ".transport: unknown type \"ws\"; use \"stdio\", \"sse\" or \"streamable-http\"",
        ),
        (r#""command": ["x"]"#, ".command: expected a string, found a list"),
        (r#""command": "x\u0000""#, ".command: holds a NUL character"),
        (r#""command": "x", "args": "-v""#, ".args: expected a list, found a string"),
        (r#""command": "x", "args": ["a", null]"#, ".args[1]: expected a string, found null"),
        (r#""command": "x", "env": ["A=1"]"#, ".env: expected an object, found a list"),
        (r#""command": "x", "env": {"A": []}"#, ".env.A: expected a string, found a list"),
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
        (
            r#""command": "x", "env": {"K": "${input:my-key}"}"#,
            ".env.K: the input \"my-key\" is not set; nobody can be asked for it here, so set the environment variable \
             INPUT_MY_KEY, or pass --env INPUT_MY_KEY=value",
        ),
        (r#""url": "http://h/${A""#, ".url: a ${ is never closed; add the }, or write $${ for a plain ${"),
        (
            r#""command": "x", "args": ["${config:TOKEN}"]"#,
            ".args[0]: \"${config:TOKEN}\" names no environment variable; write ${NAME} or ${NAME:-default}, or $${ for \
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
        (
            r#""command": "x", "disabled": true, "enabled": true"#,
            ".disabled: contradicts \"enabled\"; keep one of the two",
        ),
        (r#""command": "x", "enabled": "no""#, ".enabled: expected true or false, found a string"),
        (
            r#""command": "x", "enabledTools": [], "includeTools": []"#,
            ".includeTools: means the same as enabledTools; keep one of the two",
        ),
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
            r#""command": "x", "connectTimeout": 0"#,
            ".connectTimeout: not a time in seconds; use a number above 0 and at most a year",
        ),
        (r#""command": "x", "maxConcurrent": 0"#, ".maxConcurrent: not a number from 1 to 1000000"),
        (r#""command": "x", "maxQueued": -1"#, ".maxQueued: not a number from 0 to 1000000"),
        (r#""command": "x", "restartsPerMinute": 1.5"#, ".restartsPerMinute: not a number from 1 to 1000000"),
        (
            r#""command": "x", "validation": "loose""#,
            ".validation: unknown value \"loose\"; use \"lax\", \"strict\" or \"off\"",
        ),
        (r#""command": "x", "results": "raw""#, ".results: unknown value \"raw\"; use \"auto\" or \"text\""),
    ]);
}

#[test]
fn header_forwarding_is_checked() {
    check_servers(&[
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

/// What is not understood here would leave a program with more than it is meant to have.
#[test]
fn a_sandbox_is_checked() {
    check_servers(&[
        (
            r#""command": "x", "sandbox": null"#,
            ".sandbox: is empty; write {} for the strictest sandbox, or leave it out",
        ),
        (
            r#""command": "x", "sandbox": """#,
            ".sandbox: is empty; write {} for the strictest sandbox, or leave it out",
        ),
        (r#""command": "x", "sandbox": true"#, ".sandbox: expected an object, found true"),
        (r#""command": "x", "sand_box": {}"#, ".sand_box: unknown key; did you mean \"sandbox\"?"),
        (
            r#""command": "x", "sandbox": {"reads": []}"#,
            ".sandbox.reads: unknown key; did you mean \"read\"?",
        ),
        (
            r#""command": "x", "sandbox": {"cpu": 1}"#,
            ".sandbox.cpu: unknown key; use read, write, network, memory, processes, best_effort",
        ),
        (
            r#""command": "x", "sandbox": {"memory": null}"#,
            ".sandbox.memory: is null; give it a value, or leave it out",
        ),
        (r#""command": "x", "sandbox": {"read": "/data"}"#, ".sandbox.read: expected a list, found a string"),
        (
            r#""command": "x", "sandbox": {"read": [1]}"#,
            ".sandbox.read[0]: expected a string, found a number",
        ),
        (
            r#""command": "x", "sandbox": {"write": ["${NONE}"]}"#,
            ".sandbox.write[0]: is empty; name a file or a folder",
        ),
        (
            r#""command": "x", "sandbox": {"read": ["~root/x"]}"#,
            ".sandbox.read[0]: only \"~\" and \"~/…\" are known; write the whole path of other homes",
        ),
        (
            r#""command": "x", "sandbox": {"network": "no"}"#,
            ".sandbox.network: expected true or false, found a string",
        ),
        (
            r#""command": "x", "sandbox": {"memory": "512 Mo"}"#,
            ".sandbox.memory: \"512 Mo\" is not a size; write one such as 64MiB, or a number of bytes",
        ),
        (
            r#""command": "x", "sandbox": {"memory": 512}"#,
            ".sandbox.memory: no program starts with so little memory; give it at least 16MiB",
        ),
        (
            r#""command": "x", "sandbox": {"processes": 0}"#,
            ".sandbox.processes: not a number from 1 to 1000000",
        ),
        (
            r#""command": "x", "maxIdle": 0"#,
            ".maxIdle: not a time in seconds; use a number above 0 and at most a year",
        ),
        (r#""command": "x", "maxAge": "1h""#, ".maxAge: expected a number, found a string"),
    ]);
}
