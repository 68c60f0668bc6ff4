//! Each expectation is what python-dotenv 1.2.4 makes of the text; tests/env_file.rs asks it.

use super::*;

fn parse(text: &[u8]) -> EnvFile {
    EnvFile::parse(text, |name| {
        [("HOME", "/home/ada"), ("EMPTY", "")].iter().find(|v| v.0 == name).map(|v| v.1)
    })
}

#[test]
fn values_are_read_as_python_dotenv_reads_them() {
    for (text, value) in [
        // A dollar sign without a brace is only that.
        ("A=m$ypass$wor@d", "m$ypass$wor@d"),
        (r#"A="$HOME $2y$10$x""#, "$HOME $2y$10$x"),
        // References, in whatever quotes.
        ("A=x${HOME}y", "x/home/aday"),
        ("A='${HOME}'", "/home/ada"),
        ("A=${NONE}.", "."),
        ("A=${NONE:-de fault}.", "de fault."),
        ("A=${EMPTY:-default}.", "."),
        ("A=${NONE:-${HOME}}.", "${HOME}."),
        ("A=${HOME:x} ${HOME ${}", "${HOME:x} "),
        ("A=${HOME", "${HOME"),
        ("A=$${HOME}", "$/home/ada"),
        // Without quotes.
        ("A=two words", "two words"),
        ("A=  padded \t", "padded"),
        (r#"A={"type": "x", "n": 1}"#, r#"{"type": "x", "n": 1}"#),
        (r"A=C:\Users\new", r"C:\Users\new"),
        (r#"A=a"b"c"#, r#"a"b"c"#),
        ("A=it's", "it's"),
        ("A=`x`", "`x`"),
        ("A=a=b==", "a=b=="),
        ("A=schlüssel-日本", "schlüssel-日本"),
        ("A=", ""),
        // Comments.
        ("A=http://h/#f # c", "http://h/#f"),
        ("A=#no", "#no"),
        ("A= # comment", ""),
        ("A=a\u{a0}# c", "a"),
        ("# A=no\nA=b#c", "b#c"),
        ("A='b' # c", "b"),
        ("A=\"b\"#c", "b"),
        // Quotes.
        (r#"A="a\n\t\"\\n\x\$\'b""#, "a\n\t\"\\n\\x\\$'b"),
        (r"A='a\n\'\\ b'", r"a\n'\ b"),
        ("A='it is $x # no'", "it is $x # no"),
        ("A=\"one\r\ntwo\n\n# three\"\nB=1", "one\ntwo\n\n# three"),
        ("A='one\ntwo'", "one\ntwo"),
        (r#"A="""#, ""),
        // Around it.
        ("\u{feff}A=1", "1"),
        ("B=0\r\nA=1\r\nC=2", "1"),
        ("B=0\rA=1\rC=2", "1"),
        ("\n\n  export   A = 1  ", "1"),
        ("'A'=1", "1"),
        ("A=1\nA=2", "2"),
        ("B=1\nA=${B}${C}\nC=2", "1"),
    ] {
        assert_eq!(parse(text.as_bytes()).values["A"].as_deref(), Some(value), "{text}");
    }
}

#[test]
fn what_cannot_be_read_costs_itself_alone() {
    use Fault::{BadName, NoName, NoValue, Trailing, Unclosed, Unfit};
    for (text, faults) in [
        (&b"A=1\n=2\nB=3"[..], [(2, NoName)]),
        (b"A=1\n\n\n'A=2\nB=3", [(4, Unclosed)]),
        (b"A=1\nC='2\nB=3", [(2, Unclosed)]),
        (b"A=1\r\nC=\"2\\\"\r\nB=3", [(2, Unclosed)]),
        (b"A=1\nC='2'2\nB=3", [(2, Trailing)]),
        (b"A=1\nC='2\n2' 2\nB=3", [(2, Trailing)]),
        (b"A=1\nmy key=2\nB=3", [(2, Trailing)]),
        (b"A=1\n'C=D'=2\nB=3", [(2, BadName)]),
        (b"A=1\nC\nB=3", [(2, NoValue)]),
        (b"A=1\nexport C\nB=3", [(2, NoValue)]),
        (b"A=1\nC=\xfc\nB=3", [(2, Unfit)]),
        (b"# \xfc\nA=1\nC=a\0\nB=3", [(3, Unfit)]),
    ] {
        let file = parse(text);
        let set = |name: &str| file.values.get(name).cloned().flatten();
        let shown = String::from_utf8_lossy(text);
        assert_eq!(
            (set("A").as_deref(), set("B").as_deref(), set("C")),
            (Some("1"), Some("3"), None),
            "{shown}"
        );
        assert_eq!(file.faults, faults, "{shown}");
    }
}

#[test]
fn a_name_without_a_value_takes_away_what_came_before() {
    let file = parse(b"A=1\nA\nHOME\nB=[${A:-x}${HOME}]");
    assert_eq!((&file.values["A"], file.values["B"].as_deref()), (&None, Some("[]")));
}
