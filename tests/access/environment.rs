//! What a child inherits: never the gateway's keys, and little else where so asked.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::support::{Gateway, eventually};

/// A server that writes its environment's names into `file`, and then is the example server.
fn telling(file: &str) -> Value {
    let script =
        format!("env | sed 's/=.*//' > {file}.part && mv {file}.part {file}; exec \"$0\" example-server");
    json!({ "command": "sh", "args": ["-c", script, env!("CARGO_BIN_EXE_mcpo")], "env": { "OWN": "1" } })
}

async fn names(gateway: &Gateway, file: &str) -> BTreeSet<String> {
    let file = gateway.file(file);
    let text = eventually("the environment", async || fs::read_to_string(&file).ok()).await;
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn children_inherit_no_key_and_only_what_they_need_where_so_asked() {
    let mut clean = telling("clean");
    clean["inherit_env"] = json!(false);
    let access = json!({ "keys": { "dave": { "key": "${OF_DAVE}" }, "erin": { "key": "${OF_ERIN}" } } });
    let gateway = Gateway::config(&json!({ "all": telling("all"), "clean": clean }))
        .access(&access, "of-dave")
        .options(["--env", "SHARED=1", "--env", "OF_ERIN=of-erin"])
        .environment([
            ("OF_DAVE", "of-dave"),
            ("MCPO_API_KEY", "k"),
            ("MCPO_NAMED_KEY", "bob=of-bob"),
            ("AWS_SECRET_ACCESS_KEY", "theirs"),
            ("TZ", "UTC"),
        ])
        .ready()
        .await;
    let (all, clean) = (names(&gateway, "all").await, names(&gateway, "clean").await);
    for ours in ["OF_DAVE", "OF_ERIN", "MCPO_API_KEY", "MCPO_NAMED_KEY"] {
        assert!(!all.contains(ours) && !clean.contains(ours), "{ours}");
    }
    for given in ["OWN", "SHARED", "PATH", "HOME", "TZ"] {
        assert!(all.contains(given) && clean.contains(given), "{given}: {clean:?}");
    }
    assert!(all.contains("AWS_SECRET_ACCESS_KEY") && !clean.contains("AWS_SECRET_ACCESS_KEY"), "{clean:?}");
    gateway.stop().await;
}
