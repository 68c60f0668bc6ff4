//! Edits JSON text without changing the rest: parsing and serializing would round large numbers and reformat
//! everything.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

/// Returns the text of `after`, in which everything unchanged since `before` stands as in `text`, the text of `before`.
pub(super) fn edit<'a>(text: &'a RawValue, before: &Value, after: &Value) -> Cow<'a, RawValue> {
    if before == after {
        return Cow::Borrowed(text);
    }
    let edited = match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let members: IndexMap<String, &RawValue> = serde_json::from_str(text.get()).unwrap_or_default();
            let edited: IndexMap<&str, Cow<'_, RawValue>> = after
                .iter()
                .filter_map(|(name, after)| {
                    let member = match (members.get(name), before.get(name)) {
                        (Some(text), Some(before)) => edit(text, before, after),
                        _ => Cow::Owned(to_raw_value(after).ok()?),
                    };
                    Some((name.as_str(), member))
                })
                .collect();
            to_raw_value(&edited)
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            let items: Vec<&RawValue> = serde_json::from_str(text.get()).unwrap_or_default();
            let pairs = items.iter().zip(before.iter().zip(after));
            to_raw_value(&pairs.map(|(text, (before, after))| edit(text, before, after)).collect::<Vec<_>>())
        }
        _ => to_raw_value(after),
    };
    edited.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Returns the text at a path of names and indexes; `None` if the path does not exist.
pub(super) fn at<'a>(text: &'a RawValue, path: &[Value]) -> Option<&'a RawValue> {
    path.iter().try_fold(text, |text, step| match step {
        Value::String(name) => {
            let mut members: IndexMap<String, &RawValue> = serde_json::from_str(text.get()).ok()?;
            members.swap_remove(name)
        }
        index => {
            let items: Vec<&RawValue> = serde_json::from_str(text.get()).ok()?;
            items.get(usize::try_from(index.as_u64()?).ok()?).copied()
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_not_changed_stands_as_it_did() {
        let text: &RawValue = serde_json::from_str(
            r#"{"big": 123456789012345678901234567890, "a" : [ 1.50, "2" , {"x":null}]}"#,
        )
        .unwrap();
        let before: Value = serde_json::from_str(text.get()).unwrap();
        let mut after = before.clone();
        after["a"][1] = json!(2);
        after["a"][2] = json!({});
        assert_eq!(
            edit(text, &before, &after).get(),
            r#"{"big":123456789012345678901234567890,"a":[1.50,2,{}]}"#
        );
        assert_eq!(edit(text, &before, &before).get(), text.get());
        assert_eq!(at(text, &[json!("a"), json!(0)]).unwrap().get(), "1.50");
        assert_eq!(at(text, &[]).unwrap().get(), text.get());
        assert!(at(text, &[json!("b")]).is_none());
    }
}
