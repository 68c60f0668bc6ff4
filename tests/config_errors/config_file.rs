//! The config file as a whole.

use super::check_configs;

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
        (
            "{\"mcpServers\": {\"a\": {\"command\": \"x\"}},\n\"acess\": {}}",
            ":2: acess: unknown key; rename \"acess\" to \"access\"",
        ),
        (
            "{\"mcpServers\": {\"a\": {\"command\": \"x\"}},\n\"servers\": {}}",
            ":2: servers: there are servers under mcpServers too; keep one of the two",
        ),
        (
            "{\"servers\": {\"a\": {\"command\": \"x\"}},\n\"mcp\": {\"servers\": {}}}",
            ":2: mcp.servers: there are servers under servers too; keep one of the two",
        ),
        ("{\"servers\": {},\n\"inputs\": {}}", ":2: inputs: expected a list, found an object"),
        (
            "{\"mcp\": {}}",
            r#":1: no "mcpServers" in it; write, for example, {"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}"#,
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
