//! `${VAR}` and `${VAR:-default}` in the config's strings, as a shell and Compose expand them. `${env:VAR}`, as editors
//! write it, means the same. `${input:id}` is the variable that answers a VS Code input.
//!
//! `:-` gives the default if the variable is unset or empty. Without it, an empty variable is an empty string. `$${VAR}`
//! is the text `${VAR}`, and a `$` without a brace is a dollar sign. Values of variables are not expanded again.

/// Why a string cannot be expanded; the text says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExpansionError {
    #[error(
        "the environment variable {0} is not set; set it, pass --env {0}=value, or write ${{{0}:-default}} here"
    )]
    Unset(String),
    #[error(
        "the input \"{id}\" is not set; nobody can be asked for it here, so set the environment variable {name}, or pass \
         --env {name}=value"
    )]
    NoInput { id: String, name: String },
    #[error("a ${{ is never closed; add the }}, or write $${{ for a plain ${{")]
    Unclosed,
    #[error(
        "\"${{{0}}}\" names no environment variable; write ${{NAME}} or ${{NAME:-default}}, or $${{ for a plain ${{"
    )]
    NoName(String),
}

/// Returns `text` with its variables replaced by the values that `variable` returns.
pub(crate) fn expand<'a>(
    text: &str,
    variable: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<String, ExpansionError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = reference;
            continue;
        }
        let end = closing_brace(reference).ok_or(ExpansionError::Unclosed)?;
        expanded.push_str(before);
        expanded.push_str(&value(&reference[..end], variable)?);
        rest = &reference[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// The environment variable that answers the input with this id.
pub(crate) fn input_variable(id: &str) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' }
    };
    format!("INPUT_{}", id.chars().map(plain).collect::<String>())
}

/// Returns the position of the closing brace. A default may hold references of its own.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '{' if previous == '$' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
        previous = character;
    }
    None
}

/// Returns the value of a reference, given what is between its braces.
fn value<'a>(reference: &str, variable: &dyn Fn(&str) -> Option<&'a str>) -> Result<String, ExpansionError> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if let Some(id) = name.strip_prefix("input:").filter(|id| !id.is_empty()) {
        let name = input_variable(id);
        return match (variable(&name), default) {
            (Some(value), _) => Ok(value.to_owned()),
            (None, Some(default)) => expand(default, variable),
            (None, None) => Err(ExpansionError::NoInput { id: id.to_owned(), name }),
        };
    }
    let name = name.strip_prefix("env:").unwrap_or(name);
    let mut characters = name.chars();
    let begins = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if !begins || !characters.all(|other| other.is_ascii_alphanumeric() || other == '_') {
        return Err(ExpansionError::NoName(name.to_owned()));
    }
    match (variable(name), default) {
        (None | Some(""), Some(default)) => expand(default, variable),
        (Some(value), _) => Ok(value.to_owned()),
        (None, None) => Err(ExpansionError::Unset(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{ExpansionError, expand};
    use crate::config::Environment;

    fn environment() -> Environment {
        Environment::of(&[("USER", "ada"), ("EMPTY", ""), ("NESTED", "${USER}"), ("INPUT_API_KEY", "k")])
    }

    #[test]
    fn references_are_replaced_and_everything_else_stays() {
        let environment = environment();
        for (text, expected) in [
            ("plain", "plain"),
            ("${USER}", "ada"),
            ("a ${USER} and ${USER}!", "a ada and ada!"),
            ("${MISSING:-none}", "none"),
            ("${MISSING:-}", ""),
            ("${EMPTY:-none}", "none"),
            ("${USER:-none}", "ada"),
            ("[${EMPTY}]", "[]"),
            ("${MISSING:-${USER}}", "ada"),
            ("${MISSING:-a:-b}", "a:-b"),
            ("$${USER}", "${USER}"),
            ("$${USER} ${USER}", "${USER} ada"),
            ("${MISSING:-$${X}}", "${X}"),
            ("$USER $$ $5 {USER} }", "$USER $$ $5 {USER} }"),
            ("${NESTED}", "${USER}"),
            ("${env:USER} ${env:MISSING:-none}", "ada none"),
            ("${input:api-key}", "k"),
            ("${input:other:-none}", "none"),
            ("é${USER}é", "éadaé"),
        ] {
            assert_eq!(expand(text, &|name| environment.get(name)).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_expanded_says_why() {
        let missing = |name: &str| ExpansionError::Unset(name.to_owned());
        let environment = environment();
        let unnamed = |name: &str| ExpansionError::NoName(name.to_owned());
        for (text, expected) in [
            ("${MISSING}", missing("MISSING")),
            ("${MISSING:-${ALSO}}", missing("ALSO")),
            ("${USER", ExpansionError::Unclosed),
            ("${MISSING:-${USER}", ExpansionError::Unclosed),
            ("${}", unnamed("")),
            ("${1}", unnamed("1")),
            ("${env:MISSING}", missing("MISSING")),
            ("${env:}", unnamed("")),
            ("${config:USER}", unnamed("config:USER")),
            ("${input:}", unnamed("input:")),
            ("${input:a b}", ExpansionError::NoInput { id: "a b".to_owned(), name: "INPUT_A_B".to_owned() }),
            ("${USER-x}", unnamed("USER-x")),
        ] {
            assert_eq!(expand(text, &|name| environment.get(name)), Err(expected), "{text}");
        }
    }
}
