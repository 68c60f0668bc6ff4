//! Tests of translated schemas; `tests/corpus` checks that their meaning is kept.

use serde_json::{Value, json};

use super::{Components, Schema};

#[expect(clippy::needless_pass_by_value, reason = "a table reads better without borrows")]
#[track_caller]
fn becomes(schema: Value, wanted: Value) {
    let (translated, notes) = Schema::translate(&schema).unwrap();
    assert_eq!(translated.to_value(), wanted);
    assert_eq!(notes, Vec::<String>::new());
}

#[expect(clippy::needless_pass_by_value, reason = "a table reads better without borrows")]
#[track_caller]
fn notes(schema: Value, wanted: Value, note: &str) {
    let (translated, notes) = Schema::translate(&schema).unwrap();
    assert_eq!(translated.to_value(), wanted);
    assert_eq!(notes, [note]);
}

const SEVEN: &str = "http://json-schema.org/draft-07/schema#";
const FOUR: &str = "http://json-schema.org/draft-04/schema#";
const NINETEEN: &str = "https://json-schema.org/draft/2019-09/schema";

#[test]
fn references_of_every_form_lead_to_parts() {
    becomes(
        json!({
            "properties": {
                "tree": { "$ref": "#/definitions/node", "description": "beside it" },
                "same": { "$ref": "#/properties/tree" },
                "whole": { "$ref": "#" },
                "named": { "$ref": "#leaf" },
                "by id": { "$ref": "other.json#/properties/x" },
                "$ref": { "enum": ["#/definitions/node"] },
            },
            "default": { "$ref": "#/no/reference" },
            "definitions": {
                "node": { "properties": { "next": { "$ref": "#/definitions/node" } } },
                "a leaf": { "$anchor": "leaf", "const": 1 },
                "other": { "$id": "other.json", "properties": { "x": { "$ref": "#/properties/y" }, "y": true } },
            },
        }),
        json!({
            "properties": {
                "tree": { "$ref": "#/$defs/node", "description": "beside it" },
                "same": { "$ref": "#/$defs/properties_tree" },
                "whole": { "$ref": "#" },
                "named": { "$ref": "#/$defs/a_leaf" },
                "by id": { "$ref": "#/$defs/other_properties_x" },
                "$ref": { "enum": ["#/definitions/node"] },
            },
            "default": { "$ref": "#/no/reference" },
            "$defs": {
                "node": { "properties": { "next": { "$ref": "#/$defs/node" } } },
                "properties_tree": { "$ref": "#/$defs/node", "description": "beside it" },
                "a_leaf": { "const": 1 },
                "other_properties_x": { "$ref": "#/$defs/other_properties_y" },
                "other_properties_y": true,
            },
        }),
    );
}

#[test]
fn each_draft_keeps_its_meaning() {
    becomes(
        json!({ "$schema": SEVEN, "items": [{ "type": "string" }], "additionalItems": false }),
        json!({ "prefixItems": [{ "type": "string" }], "items": false }),
    );
    becomes(
        json!({ "$schema": SEVEN, "dependencies": { "a": ["b"], "c": { "required": ["d"] } } }),
        json!({ "dependentRequired": { "a": ["b"] }, "dependentSchemas": { "c": { "required": ["d"] } } }),
    );
    becomes(
        json!({ "$schema": SEVEN, "allOf": [{ "$ref": "#/definitions/a", "maxLength": 1, "title": "kept" }],
                "definitions": { "a": {} }, "unevaluatedProperties": false }),
        json!({ "allOf": [{ "$ref": "#/$defs/a", "title": "kept" }], "$defs": { "a": {} } }),
    );
    becomes(
        json!({ "$schema": FOUR, "id": "http://x/", "minimum": 1, "exclusiveMinimum": true, "maximum": 9,
                "exclusiveMaximum": false, "const": 3, "properties": { "id": { "type": "string" } } }),
        json!({ "exclusiveMinimum": 1, "maximum": 9, "properties": { "id": { "type": "string" } } }),
    );
    becomes(
        json!({ "$schema": NINETEEN, "$recursiveAnchor": true, "properties": { "x": { "$recursiveRef": "#" } } }),
        json!({ "properties": { "x": { "$ref": "#" } } }),
    );
    becomes(
        json!({ "$dynamicAnchor": "node", "properties": { "x": { "$dynamicRef": "#node" } } }),
        json!({ "properties": { "x": { "$ref": "#" } } }),
    );
    becomes(
        json!({ "type": "string", "enum": ["a"], "nullable": true }),
        json!({ "type": ["string", "null"], "enum": ["a", null] }),
    );
    let untouched = json!({ "if": { "const": null }, "then": false, "patternProperties": { "^a": { "format": "date" } },
        "not": {}, "examples": [1], "default": null, "x-own": { "$ref": "#/none" }, "dependentRequired": { "a": ["b"] } });
    becomes(untouched.clone(), untouched);
}

#[test]
fn what_cannot_be_kept_is_left_open_and_said() {
    notes(
        json!({ "properties": { "a": { "$ref": "https://example.com/s.json", "title": "kept" } } }),
        json!({ "properties": { "a": { "title": "kept" } } }),
        "#/properties/a refers to https://example.com/s.json, which is not in the schema; it was left open",
    );
    notes(
        json!({ "properties": { "a": { "type": "any", "minimum": 1 } } }),
        json!({ "properties": { "a": { "minimum": 1 } } }),
        "#/properties/a/type has a value that it cannot have; it was left out",
    );
    notes(
        json!({ "properties": { "a": "string" } }),
        json!({ "properties": { "a": {} } }),
        "#/properties/a is no schema; it was left open",
    );
}

#[test]
fn size_and_fan_out_are_bounded() {
    let wide: Vec<Value> = (0..60_000).map(|_| json!({})).collect();
    assert!(Schema::translate(&json!({ "allOf": wide })).is_err());

    let link = |n: usize| (n.to_string(), json!({ "$ref": format!("#/$defs/{}", n + 1) }));
    let mut chain: serde_json::Map<String, Value> = (0..20_000).map(link).collect();
    chain.insert("20000".into(), json!({}));
    let (chained, _) = Schema::translate(&json!({ "$ref": "#/$defs/0", "$defs": chain })).unwrap();
    assert!(chained.effort().is_err());
    Components::default().add("chain", &chained);

    let double = |n: usize| {
        let next = json!({ "$ref": format!("#/$defs/{}", n + 1) });
        (n.to_string(), json!({ "not": { "anyOf": [next, next] } }))
    };
    let mut doubling: serde_json::Map<String, Value> = (0..30).map(double).collect();
    doubling.insert("30".into(), json!({}));
    let (doubled, _) = Schema::translate(&json!({ "$ref": "#/$defs/0", "$defs": doubling })).unwrap();
    assert_eq!(doubled.effort(), Err("it branches too often"));
    Components::default().add("double", &doubled);

    let nest = |n: usize| {
        let mut schema = json!({ "$ref": format!("#/$defs/{}", n + 1) });
        for _ in 0..10 {
            schema = json!({ "not": schema });
        }
        (n.to_string(), schema)
    };
    let mut nested: serde_json::Map<String, Value> = (0..200).map(nest).collect();
    nested.insert("200".into(), json!({}));
    let (nested, _) = Schema::translate(&json!({ "$ref": "#/$defs/0", "$defs": nested })).unwrap();
    assert_eq!(nested.effort(), Err("it is nested too deeply"));
    Components::default().add("nested", &nested);

    let (circle, _) =
        Schema::translate(&json!({ "anyOf": [{ "$ref": "#" }, { "allOf": [{ "$ref": "#" }] }] })).unwrap();
    assert_eq!(circle.effort(), Err("it refers to itself without end"));

    let (tree, _) = Schema::translate(&json!({
        "$ref": "#/$defs/t", "$defs": { "t": { "properties": { "l": { "$ref": "#/$defs/t" }, "r": { "$ref": "#/$defs/t" } } } }
    }))
    .unwrap();
    assert!(tree.effort().unwrap().counted);
}

#[test]
fn components_have_names_of_their_own() {
    let (schema, _) = Schema::translate(&json!({
        "properties": { "n": { "$ref": "#/$defs/node" }, "m": { "additionalProperties": { "$ref": "#/$defs/leaf" } },
                        "self": { "$ref": "#" } },
        "not": { "$ref": "#/$defs/leaf", "title": "beside it" },
        "$defs": { "leaf": { "type": "string" },
                   "node": { "additionalProperties": { "$ref": "#/$defs/node" } } },
    }))
    .unwrap();
    let mut components = Components::default();
    components.add_plain("a_b_node", json!(true));
    assert_eq!(components.add("a b", &schema), json!({ "$ref": "#/components/schemas/a_b" }));
    let expected = json!({
        "a_b": {
            "properties": {
                "n": { "$ref": "#/components/schemas/a_b_node_2" },
                // References that clients do not follow are replaced unless they are recursive.
                "m": { "additionalProperties": { "type": "string" } },
                "self": { "$ref": "#/components/schemas/a_b" },
            },
            "not": { "title": "beside it", "allOf": [{ "type": "string" }] },
        },
        "a_b_node": true,
        "a_b_node_2": { "additionalProperties": { "$ref": "#/components/schemas/a_b_node_2" } },
    });
    assert_eq!(serde_json::to_value(components.into_schemas()).unwrap(), expected);
}

#[test]
fn properties_are_exposed_without_changing_the_meaning() {
    let exposed = |schema: Value| Schema::translate(&schema).unwrap().0.with_properties_exposed().to_value();
    let of = |schema: Value| exposed(schema)["properties"].clone();
    let one = json!({ "properties": { "a": { "type": "string", "title": "A" }, "b": { "type": "null" } } });
    let other = json!({ "properties": { "a": { "type": "number" } } });
    assert_eq!(
        of(json!({ "oneOf": [one, other] })),
        json!({ "a": { "anyOf": [{ "type": "string", "title": "A" }, { "type": "number" }] }, "b": {} })
    );
    assert_eq!(of(json!({ "allOf": [one] })), one["properties"]);
    assert_eq!(
        exposed(json!({ "$ref": "#/$defs/x", "title": "t", "$defs": { "x": one } })),
        json!({ "title": "t", "properties": one["properties"], "type": "object" , "$defs": { "x": one }})
    );
    // Declaring a property beside these keywords would allow it.
    let closed = json!({ "oneOf": [one], "additionalProperties": false });
    assert_eq!(of(closed), json!({}));
}

/// References may lead to one branch, or one target, again and again. Documents hold no more of them for it.
#[test]
fn copies_are_bounded() {
    let wide = |count: usize| -> Value {
        let property = |n: usize| (format!("p{n}"), json!({ "type": "string", "description": "d" }));
        json!({ "properties": (0..count).map(property).collect::<serde_json::Map<_, _>>() })
    };
    let reference = |to: &str| json!({ "$ref": format!("#/$defs/{to}") });
    let level = |n: usize| (format!("l{n}"), json!({ "anyOf": vec![reference(&format!("l{}", n + 1)); 10] }));
    let mut levels: serde_json::Map<_, _> = (0..9).map(level).collect();
    levels.insert("l9".into(), wide(50));
    let negated = vec![json!({ "not": reference("wide") }); 400];
    for schema in [
        json!({ "anyOf": [reference("l0")], "$defs": levels }),
        json!({ "allOf": vec![reference("wide"); 400], "$defs": { "wide": wide(1_000) } }),
        json!({ "allOf": negated, "$defs": { "wide": wide(1_000) } }),
    ] {
        let (schema, _) = Schema::translate(&schema).unwrap();
        let mut components = Components::default();
        components.add("t", &schema.with_properties_exposed());
        let text = serde_json::to_string(&components.into_schemas()).unwrap();
        assert!(text.len() < 3_000_000, "{}", text.len());
    }
}

/// Each place that is referred to becomes a part of its own, with all that it holds.
#[test]
fn parts_are_bounded() {
    let leaf = json!({ "enum": vec!["x".repeat(1_000); 100] });
    let nested = (0..30).fold(leaf, |schema, _| json!({ "not": schema }));
    let place = |depth: usize| json!({ "$ref": format!("#/properties/a{}", "/not".repeat(depth)) });
    let all: Vec<Value> = (0..30).map(place).collect();
    let schema = json!({ "properties": { "a": nested }, "allOf": all });
    assert!(Schema::translate(&schema).is_err());
}
