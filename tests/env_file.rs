//! `--env-path` beside python-dotenv, which the Python mcpo uses: both read the same files.

use std::{collections::HashMap, fmt::Write as _};

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Gateway, parts};

/// What both know beside the file.
const OUTER: (&str, &str) = ("OUTER", "of the process");

/// What a child of mcpo has of this file, and the gateway's log.
async fn read(text: &[u8]) -> (Gateway, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    std::fs::write(&path, text).unwrap();
    let servers = json!({ "everything": parts::everything() });
    let launch = Gateway::config(&servers).options(["--env-path", path.to_str().unwrap()]);
    let gateway = launch.environment([OUTER]).ready().await;
    let environment = gateway.result("/everything/get-env", &json!({})).await;
    (gateway, environment)
}

/// What python-dotenv makes of it.
async fn expected(text: &[u8]) -> HashMap<String, Option<String>> {
    const SCRIPT: &str = "import sys, json, dotenv; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    std::fs::write(&path, text).unwrap();
    let mut python = Command::new(parts::part("venv/bin/python"));
    python.args(["-c", SCRIPT]).arg(&path).env_clear().envs([OUTER, ("PYTHONUTF8", "1")]);
    let output = python.output().await.expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a dictionary")
}

/// Every variable of the file has the value that python-dotenv reads; gives how many there are.
async fn compare(text: &str) -> usize {
    let expected = expected(text.as_bytes()).await;
    let (gateway, environment) = read(text.as_bytes()).await;
    // What no process can have in its environment.
    let possible = expected.iter().filter(|(name, _)| !name.contains('='));
    let wrong: Vec<_> = possible
        .filter(|(name, value)| environment.get(name).and_then(Value::as_str) != value.as_deref())
        .map(|(name, value)| format!("{name:?}: {:?}, not {value:?}", environment.get(name)))
        .collect();
    assert!(wrong.is_empty(), "{}\nof:\n{text:?}", wrong.join("\n"));
    gateway.stop().await;
    expected.len()
}

#[tokio::test]
async fn what_people_write_is_read_as_python_dotenv_reads_it() {
    let values = [
        "m$ypass$wor@d",
        "$2y$10$fbdLV2U3Y98",
        "${OUTER}",
        "$OUTER",
        "'${OUTER}'",
        "\"a ${OUTER} b\"",
        "\\${OUTER}",
        "${NONE}",
        "${NONE:-x}",
        "${OUTER:-x}",
        "${NONE:-${OUTER}}",
        "${OUTER:x}",
        "${}",
        "${ OUTER }",
        "${OUTER",
        "$$",
        "two words",
        "  padded  ",
        "it's",
        "a\"b\"c",
        "{\"type\": \"x\", \"n\": 1}",
        "[\"a\", 'b']",
        "`x`",
        "'",
        "\"",
        "C:\\Users\\new",
        "\"C:\\Users\\new\"",
        "'C:\\Users\\new'",
        "\"a\\\\\\\"b\\tc\\x\"",
        "'it\\'s'",
        "\\",
        "'\\'",
        "http://h/?a=b#frag",
        "x # comment",
        "x #",
        "x\t#c",
        "#x",
        " #x",
        " # x",
        "'x' # c",
        "\"x\"#c",
        "'x'y",
        "\"\"",
        "''",
        "\"x\" 'y'",
        "a=b=c==",
        "schlüssel-日本",
        "\u{1f511}",
        "\"two\nlines\"",
        "'two\r\nlines\n\n# three'",
        "\"-----BEGIN KEY-----\\nMII=\\n-----END KEY-----\"",
        "\"${OUTER}\\n\"",
        "'never closed",
        "\"never closed\\\"",
        "\u{a0}x\u{a0}",
        "\u{1c}x",
        "a\u{2028}b",
        "a\u{85}#b",
        "a\u{b}b\u{c}",
        "\"\\a\\b\\f\\v\\r\\e\\0\"",
    ];
    let mut text = String::from("\u{feff}");
    for (index, value) in values.iter().enumerate() {
        let number = index * 6;
        for (form, line) in [
            "A{n}={v}\n",
            "export B{n}={v}\r\n",
            "C{n} = {v} \n",
            "  'D{n}'={v}\r",
            "E{n}:\n",
            "my F{n}={v}\n",
        ]
        .iter()
        .enumerate()
        {
            text += &line.replace("{n}", &(number + form).to_string()).replace("{v}", value);
        }
        write!(text, "ok{index}=1\n=\n#\nexport ok{index}\n\t\nBARE{index}\n").unwrap();
    }
    assert!(compare(&text).await > values.len() * 4);
}

/// Anything at all: the pieces that statements are made of, put together at random.
#[tokio::test]
async fn what_nobody_writes_is_read_the_same() {
    let pieces = [
        "=", "=", "=", " = ", "'", "'", "\"", "\"", "\\", "\\n", "\\'", "\\\"", "$", "${", "}", ":-",
        "${OUTER}", "${V1}", "${V2:-d}", "#", " #", " ", "\t", "\n", "\n", "\n", "\r\n", "\r", "export ",
        "a", "b c", "ü", "\u{a0}", "\u{1c}", "\u{2028}", "\u{85}", "\u{feff}", "`", "{", ":",
    ];
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let mut text = String::new();
    for _ in 0..3000 {
        if random.bool() {
            write!(text, "\nV{}=", random.u8(0..200)).unwrap();
        }
        for _ in 0..random.u8(0..6) {
            text += random.choice(pieces).unwrap_or_default();
        }
    }
    assert!(compare(&text).await > 100);
}

/// What is left out is told with its line, without a word of it, and costs nothing else.
#[tokio::test]
async fn a_line_that_cannot_be_read_is_a_warning() {
    let text =
        b"# caf\xe9\nA=1\nB='hunter2\nC=\"two\nlines\" hunter3\n\nhunter4\nD=hunt\xe9r5\r\nE=2\n=hunter6\n";
    let (gateway, environment) = read(text).await;
    assert_eq!((&environment["A"], &environment["E"]), (&json!("1"), &json!("2")));
    for name in ["B", "C", "D", "hunter4"] {
        assert_eq!(environment.get(name), None, "{name}");
    }
    let log = gateway.stop().await;
    for warning in [
        ".env:3: skipped: a quote is never closed",
        ".env:4: skipped: something follows the closing quote",
        ".env:7: skipped: a name without a value",
        ".env:8: skipped: holds a NUL character, or is not UTF-8 text",
        ".env:10: skipped: no name before the =",
    ] {
        assert_eq!(log.matches(warning).count(), 1, "{warning}\n{log}");
    }
    assert_eq!(log.matches(" skipped: ").count(), 5, "{log}");
    assert!(!log.contains("hunt"), "{log}");
}
