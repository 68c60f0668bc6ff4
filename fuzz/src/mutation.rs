//! Changes JSON into other JSON: a place of it is dropped, copied elsewhere, or made into a piece of schema. Then it is
//! written in a layout of its own.

use serde_json::{Value, json};

/// Words that mean something in a schema.
const KEYWORDS: &str = "$anchor $defs $dynamicAnchor $dynamicRef $id $recursiveAnchor $recursiveRef $ref $schema \
    additionalItems additionalProperties allOf anyOf const contains default definitions dependencies \
    dependentRequired dependentSchemas else enum exclusiveMaximum exclusiveMinimum format id if items maxContains \
    maxItems maxLength maxProperties maximum minContains minItems minLength minProperties minimum multipleOf not \
    nullable oneOf pattern patternProperties prefixItems properties propertyNames required then type \
    unevaluatedItems unevaluatedProperties uniqueItems a b value";
/// Values that mean something to a keyword.
const VALUES: &str = r##"[null, true, false, 0, 1, -1, 2.5, 1e308, 123456789012345678901234567890, "", "a", "5", "yes",
    "string", "integer", "number", "object", "array", "boolean", "null", ["string", "null"], {}, [], [{}], {"a": {}},
    "\u2028", "\u2029a\u0085", "\n\r\t", {"\u2028\n": 1},
    "#", "#/", "#a", "#/$defs/a", "#/definitions/b", "#/properties/a", "#/items/0", "#/%24defs/a~1b", "a.json#a",
    "https://example.com/a", "urn:a", "^(a+)+$", "\\p{L}", "[", "date-time", "b", ["a", "b"], "%ff",
    "http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema", "https://json-schema.org/draft/2020-12/schema",
    {"$ref": "#"}, {"$ref": "#/$defs/a"}, {"$ref": "#/properties/a"}, {"type": "object", "properties": {"a": {}}}]"##;
/// White space between tokens.
const GAPS: [&str; 7] = ["\n", "\r", "\r\n", "\t", " ", "\n    ", "\r\r"];

/// A changed `input` of at most `longest` bytes; nothing where it is no JSON or has grown too long.
pub fn mutate(input: &[u8], longest: usize, seed: u32) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(input).ok()?;
    let mut chance = Chance(u64::from(seed) + 1);
    for _ in 0..=chance.below(3) {
        change(&mut value, &mut chance);
    }
    let changed = laid_out(&value.to_string(), &mut chance).into_bytes();
    (changed.len() <= longest).then_some(changed)
}

fn change(value: &mut Value, chance: &mut Chance) {
    let copied = pick(value, chance).clone();
    let values: Vec<Value> = serde_json::from_str(VALUES).unwrap_or_default();
    let keywords: Vec<&str> = KEYWORDS.split_whitespace().collect();
    let word = chance.of(&values).cloned().unwrap_or_default();
    let place = pick(value, chance);
    match (chance.below(5), &mut *place) {
        (0, Value::Object(object)) if !object.is_empty() => {
            let at = chance.below(object.len());
            if let Some(key) = object.keys().nth(at).cloned() {
                object.remove(&key);
            }
        }
        (0, Value::Array(items)) if !items.is_empty() => {
            items.remove(chance.below(items.len()));
        }
        (1 | 2, Value::Object(object)) => {
            let keyword = chance.of(&keywords).copied().unwrap_or_default();
            object.insert(keyword.to_owned(), if chance.below(3) == 0 { copied } else { word });
        }
        (1 | 2, Value::Array(items)) => items.push(if chance.below(2) == 0 { copied } else { word }),
        (3, _) => *place = copied,
        (4, _) => *place = json!({ chance.of(&keywords).copied().unwrap_or_default(): place.take() }),
        _ => *place = word,
    }
}

/// The same JSON as `compact`, with white space between some tokens and some characters of strings escaped; one in four
/// stays as it is.
fn laid_out(compact: &str, chance: &mut Chance) -> String {
    let rarity = [0, 1, 4, 32][chance.below(4)];
    if rarity == 0 {
        return compact.to_owned();
    }
    let mut text = String::with_capacity(2 * compact.len());
    let (mut inside, mut escape) = (false, false);
    for c in compact.chars() {
        let chosen = chance.below(rarity) == 0;
        match c {
            '{' | '}' | '[' | ']' | ':' | ',' if !inside && chosen => {
                let [before, after] = [(); 2].map(|()| chance.of(&GAPS).copied().unwrap_or_default());
                text.extend([before, c.encode_utf8(&mut [0; 4]), after]);
            }
            // A digit may belong to an escape already.
            _ if inside
                && !escape
                && chosen
                && c.is_alphabetic()
                && !c.is_ascii_hexdigit()
                && u32::from(c) <= 0xffff =>
            {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
        inside ^= c == '"' && !escape;
        escape = inside && c == '\\' && !escape;
    }
    text
}

/// Any place of a value, the whole of it included.
fn pick<'a>(value: &'a mut Value, chance: &mut Chance) -> &'a mut Value {
    let below = match value {
        Value::Array(items) => items.len(),
        Value::Object(object) => object.len(),
        _ => 0,
    };
    if below == 0 || chance.below(4) == 0 {
        return value;
    }
    let at = chance.below(below);
    match value {
        Value::Array(items) => pick(&mut items[at], chance),
        Value::Object(object) => {
            let key = object.keys().nth(at).cloned().unwrap_or_default();
            pick(&mut object[&key], chance)
        }
        leaf => leaf,
    }
}

/// SplitMix64: all that is asked of it is that equal seeds give equal changes.
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % count.max(1) as u64).unwrap_or_default()
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}
