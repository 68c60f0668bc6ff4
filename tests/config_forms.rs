//! Configurations as the documents of other clients have them, pasted: every server connects, and nothing is warned of.

use serde_json::{Value, json};

use crate::support::{Gateway, parts, upstream::Remote};

/// What stands for a remote server's URL in `configs`.
const URL: &str = "http://remote.test/mcp";

#[tokio::test]
async fn what_other_clients_write_works_as_it_is() {
    let remote = Remote::fake("mcp", &[]).await;
    let both = ["notes", "remote"];
    for (name, text, servers) in [
        ("Claude Desktop", include_str!("configs/claude_desktop.json"), &["notes"][..]),
        ("Cursor", include_str!("configs/cursor.json"), &both),
        ("VS Code, mcp.json", include_str!("configs/vscode_mcp.json"), &both),
        ("VS Code, settings.json", include_str!("configs/vscode_settings.json"), &both),
        ("Windsurf", include_str!("configs/windsurf.json"), &both),
        (
            "Cline",
            include_str!("configs/cline.json"),
            &["github.com/acme/servers/tree/main/src/notes", "remote"],
        ),
        ("Gemini CLI", include_str!("configs/gemini_cli.json"), &both),
        ("Zed", include_str!("configs/zed_settings.json"), &["notes", "newer", "remote"]),
        ("LibreChat", include_str!("configs/librechat.json"), &both),
        ("a registry", include_str!("configs/registry.json"), &["io.github.acme/notes", "remote"]),
    ] {
        let launch = Gateway::pasted(&text.replace(URL, &remote.url), servers.iter().copied());
        let gateway = launch.environment([("INPUT_NOTES_KEY", "k")]).ready().await;
        let status = gateway.get("/status").await.json();
        let names =
            status["servers"].as_array().unwrap().iter().map(|server| server["name"].as_str().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), servers, "{name}");
        let own =
            gateway.result(&format!("/{}/get_current_time", servers[0]), &json!({ "timezone": "UTC" })).await;
        assert_eq!(own["timezone"], "UTC", "{name}");
        if servers.contains(&"remote") {
            let told = gateway.result("/remote/call", &json!({})).await;
            assert!(told.to_string().contains("call"), "{name}: {told}");
        }
        let log = gateway.stop().await;
        assert!(!log.contains("config.json"), "{name}:\n{log}");
    }
}

/// The environment of the everything server, started with this beside its command.
async fn environment(env: Value, variables: &[(&str, &str)]) -> Value {
    let mut server = parts::everything();
    server["env"] = env;
    let inputs = json!([{ "id": "region", "default": "eu" }, { "id": "notes-key", "default": "unused" }]);
    let text = json!({ "servers": { "everything": server }, "inputs": inputs }).to_string();
    let gateway = Gateway::pasted(&text, ["everything"]).environment(variables.iter().copied()).ready().await;
    let environment = gateway.result("/everything/get-env", &json!({})).await;
    gateway.stop().await;
    environment
}

/// An input is its variable, or else its default; other variables may be written as editors write them.
#[tokio::test]
async fn inputs_come_from_the_environment() {
    let env = json!({ "KEY": "${input:notes-key}", "REGION": "<${input:region}>", "OTHER": "${env:OUTER}" });
    let child = environment(env, &[("INPUT_NOTES_KEY", "k1"), ("OUTER", "o")]).await;
    assert_eq!(
        (&child["KEY"], &child["REGION"], &child["OTHER"]),
        (&json!("k1"), &json!("<eu>"), &json!("o"))
    );
}

/// Numbers and booleans are their texts, an empty string is a value, and `null` takes a variable away.
#[tokio::test]
async fn variables_may_be_of_any_kind() {
    let env = json!({ "PORT": 8080, "RATIO": 1.50, "DEBUG": true, "BLANK": "", "GONE": null });
    let child = environment(env, &[("GONE", "inherited"), ("STAYS", "inherited")]).await;
    for (name, value) in [("PORT", "8080"), ("DEBUG", "true"), ("BLANK", ""), ("STAYS", "inherited")] {
        assert_eq!(child[name], value, "{name}");
    }
    assert_eq!(child.get("GONE"), None);
}

/// Arguments may be numbers and booleans, too.
#[tokio::test]
async fn arguments_may_be_numbers() {
    let mut server = parts::fake(&["--page-size"]);
    server["args"].as_array_mut().unwrap().push(json!(1));
    let gateway = Gateway::config(&json!({ "fake": server })).ready().await;
    gateway.stop().await;
}
