//! The drafts of JSON Schema and their differences in meaning.

use serde_json::Value;

/// A draft; later ones compare greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    /// 2019-09
    Nineteen,
    /// 2020-12, which MCP assumes if a schema names none
    Twenty,
}

impl Draft {
    /// Returns the draft that a schema names with `$schema`.
    pub(super) fn of(schema: &Value) -> Self {
        let uri = schema.get("$schema").and_then(Value::as_str).unwrap_or_default();
        let names = |word: &str| uri.contains(word);
        if names("draft-04") || names("draft-03") {
            Self::Four
        } else if names("draft-06") {
            Self::Six
        } else if names("draft-07") {
            Self::Seven
        } else if names("2019-09") {
            Self::Nineteen
        } else {
            Self::Twenty
        }
    }

    /// Whether keywords beside `$ref` are ignored, as they are up to draft-07.
    pub(super) fn reference_stands_alone(self) -> bool {
        self <= Self::Seven
    }

    /// The keyword that holds a schema's identifier.
    pub(super) fn id(self) -> &'static str {
        if self == Self::Four { "id" } else { "$id" }
    }

    /// Whether the draft gives a keyword the meaning that it has in 2020-12.
    ///
    /// Keywords outside JSON Schema count as known in every draft.
    pub(super) fn knows(self, keyword: &str) -> bool {
        let since = match keyword {
            "const" | "contains" | "examples" | "propertyNames" => Self::Six,
            "if" | "then" | "else" | "readOnly" | "writeOnly" | "contentMediaType" | "contentEncoding" => {
                Self::Seven
            }
            "dependentRequired"
            | "dependentSchemas"
            | "maxContains"
            | "minContains"
            | "unevaluatedItems"
            | "unevaluatedProperties"
            | "contentSchema" => Self::Nineteen,
            "prefixItems" | "$dynamicRef" => Self::Twenty,
            // Replaced by `$dynamicRef` in 2020-12.
            "$recursiveRef" => return self == Self::Nineteen,
            _ => Self::Four,
        };
        self >= since
    }
}
