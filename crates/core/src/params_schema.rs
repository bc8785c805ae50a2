//! What the parameters of the tasks of a type must be: JSON Schema 2020-12, without what would let a check take forever or reach
//! outside: every reference leads to a place in the schema itself, none leads back to where it comes from, and what is left is a
//! tree of limited size. Patterns are matched in linear time, so they have neither look-around nor back-references.

use std::fmt::{self, Write};

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::arguments::Invalid;

/// The text of a schema, in bytes.
const MOST_BYTES: usize = 65_536;
/// The schemas in one, each counted as often as references lead to it.
const MOST_SCHEMAS: usize = 10_000;
/// How deep they are in each other, references followed.
const MOST_LEVELS: usize = 64;
/// Of a compiled pattern.
const MOST_PATTERN_BYTES: usize = 1_048_576;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A schema, ready to check.
pub struct ParamsSchema(Validator);

impl ParamsSchema {
    pub fn compile(argument: &str, text: &str) -> Result<Self, Invalid> {
        if text.len() > MOST_BYTES {
            return Err(Invalid(format!("{argument} must have at most {MOST_BYTES} bytes, found {}", text.len())));
        }
        let schema: Value =
            serde_json::from_str(text).map_err(|error| Invalid(format!("{argument}: {}", without_position(&error))))?;
        let mut walk = Walk { root: &schema, followed: vec![], schemas: 0 };
        walk.visit(argument, &schema, 0)?;
        let compiled = jsonschema::draft202012::options()
            .offline()
            .with_pattern_options(PatternOptions::regex().size_limit(MOST_PATTERN_BYTES))
            .build(&schema)
            .map_err(|error| {
                let path = path(error.instance_path().as_str());
                Invalid(format!("{argument}{path}: {}", error.masked()))
            })?;
        Ok(Self(compiled))
    }

    /// Refuses parameters that do not fit, naming where and why.
    pub fn check(&self, argument: impl fmt::Display, params: &str) -> Result<(), Invalid> {
        let params: Value = serde_json::from_str(params)
            .map_err(|error| Invalid(format!("{argument}: {}", without_position(&error))))?;
        self.0.validate(&params).map_err(|error| {
            let path = path(error.instance_path().as_str());
            Invalid(format!("{argument}{path}: {} ({})", error.masked(), error.kind().keyword()))
        })
    }
}

/// The text was not seen by whoever made it, so a position in it says nothing.
fn without_position(error: &serde_json::Error) -> String {
    error.to_string().split(" at line ").next().unwrap_or_default().to_owned()
}

/// A JSON pointer in the manner of the other messages: `/a/0/b` is `.a[0].b`.
fn path(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |mut path, step| {
        let step = step.replace("~1", "/").replace("~0", "~");
        let is_index = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        // Writing to a text cannot fail.
        let _ = if is_index { write!(path, "[{step}]") } else { write!(path, ".{step}") };
        path
    })
}

/// Visits all schemas in a schema, as often as a check may.
struct Walk<'s> {
    root: &'s Value,
    /// The references that led to where it is.
    followed: Vec<&'s str>,
    schemas: usize,
}

impl<'s> Walk<'s> {
    fn visit(&mut self, at: &str, schema: &'s Value, level: usize) -> Result<(), Invalid> {
        const SINGLE: [&str; 11] = [
            "additionalProperties",
            "propertyNames",
            "unevaluatedProperties",
            "items",
            "unevaluatedItems",
            "contains",
            "contentSchema",
            "not",
            "if",
            "then",
            "else",
        ];
        const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
        const MAPS: [&str; 5] = ["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"];
        self.schemas += 1;
        if self.schemas > MOST_SCHEMAS {
            return Err(Invalid(format!("{at}: with all references there are more than {MOST_SCHEMAS} schemas")));
        }
        if level > MOST_LEVELS {
            return Err(Invalid(format!("{at}: schemas are nested more than {MOST_LEVELS} levels deep")));
        }
        let Value::Object(keywords) = schema else { return Ok(()) };
        self.refuse_outside(at, keywords)?;
        for key in SINGLE {
            keywords.get(key).map_or(Ok(()), |inner| self.visit(&format!("{at}.{key}"), inner, level + 1))?;
        }
        for key in LISTS {
            for (index, inner) in keywords.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
                self.visit(&format!("{at}.{key}[{index}]"), inner, level + 1)?;
            }
        }
        for key in MAPS {
            for (name, inner) in keywords.get(key).and_then(Value::as_object).into_iter().flatten() {
                self.visit(&format!("{at}.{key}.{name}"), inner, level + 1)?;
            }
        }
        match keywords.get("$ref") {
            Some(Value::String(reference)) => self.follow(&format!("{at}.$ref"), reference, level),
            _ => Ok(()),
        }
    }

    fn refuse_outside(&self, at: &str, keywords: &serde_json::Map<String, Value>) -> Result<(), Invalid> {
        for key in ["$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$vocabulary"] {
            if keywords.contains_key(key) {
                return Err(Invalid(format!(
                    "{at}.{key} is not supported: a schema stands alone, and its references are like #/$defs/name"
                )));
            }
        }
        match keywords.get("$schema") {
            Some(Value::String(dialect)) if dialect.trim_end_matches('#') == DIALECT => Ok(()),
            Some(_) => Err(Invalid(format!("{at}.$schema must be {DIALECT}"))),
            None => Ok(()),
        }
    }

    fn follow(&mut self, at: &str, reference: &'s str, level: usize) -> Result<(), Invalid> {
        let pointer = match reference.strip_prefix('#') {
            Some(pointer) if !pointer.contains('%') => pointer,
            _ => {
                return Err(Invalid(format!(
                    "{at}: {reference} is no place in the schema itself, such as #/$defs/name"
                )));
            }
        };
        if pointer.is_empty() || self.followed.contains(&reference) {
            return Err(Invalid(format!("{at}: {reference} leads back to where it comes from")));
        }
        let Some(target) = self.root.pointer(pointer) else {
            return Err(Invalid(format!("{at}: there is no {reference}")));
        };
        self.followed.push(reference);
        // What contains the reference is met again on its way.
        self.visit(at, target, level + 1)?;
        self.followed.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn compile(schema: Value) -> Result<ParamsSchema, Invalid> {
        ParamsSchema::compile("data.params_schema", &schema.to_string())
    }

    fn refusal(schema: Value) -> String {
        compile(schema).map(|_| ()).unwrap_err().0
    }

    #[test]
    fn a_refusal_says_where_and_why() {
        let schema = compile(json!({
            "type": "object",
            "properties": {"count": {"type": "integer", "minimum": 1}, "list": {"items": {"$ref": "#/$defs/name"}}},
            "required": ["count"], "additionalProperties": false,
            "$defs": {"name": {"type": "string", "pattern": "^[a-z]+$"}}
        }))
        .unwrap();
        assert!(schema.check("data.params", r#"{"count": 1, "list": ["a", "b"]}"#).is_ok());
        let refusal = |params: &str| schema.check("data.params", params).unwrap_err().0;
        assert!(refusal(r#"{"count": "x"}"#).starts_with("data.params.count: "));
        assert!(refusal(r#"{"count": 0}"#).starts_with("data.params.count: "));
        assert!(refusal(r#"{"count": 1, "list": ["a", "B"]}"#).starts_with("data.params.list[1]: "));
        assert!(refusal("{}").contains("count") && refusal("{}").starts_with("data.params: "));
        assert!(refusal(r#"{"count": 1, "other": 1}"#).contains("other"));
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(refusal(json!({"type": "text"})).starts_with("data.params_schema.type: "));
        assert!(refusal(json!({"properties": {"a": {"minimum": "x"}}})).starts_with("data.params_schema.properties.a"));
        assert!(refusal(json!({"pattern": "("})).starts_with("data.params_schema"));
        assert!(refusal(json!({"pattern": "(?=a)b"})).starts_with("data.params_schema"));
        assert!(refusal(json!({"pattern": "(a{1000}){1000}"})).starts_with("data.params_schema"));
        assert!(refusal(json!({"$schema": "http://json-schema.org/draft-07/schema#"})).contains("2020-12"));
        assert!(refusal(json!({"description": "x".repeat(MOST_BYTES)})).contains("must have at most"));
    }

    #[test]
    fn nothing_is_fetched() {
        for reference in
            ["https://example.com/a.json", "file:///etc/passwd", "other.json", "#name", "#/$defs/a%20b", ""]
        {
            assert!(compile(json!({"$ref": reference})).is_err(), "{reference}");
            assert!(compile(json!({"properties": {"a": {"$ref": reference}}})).is_err(), "{reference}");
        }
        assert!(refusal(json!({"$ref": "#/$defs/none"})).ends_with("there is no #/$defs/none"));
        for key in ["$id", "$anchor", "$dynamicRef"] {
            assert!(refusal(json!({"$defs": {"a": {key: "http://a/b"}}})).contains("is not supported"));
        }
        assert!(compile(json!({"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}}})).is_ok());
    }

    #[test]
    fn what_would_never_end_is_refused() {
        assert!(refusal(json!({"$ref": "#"})).ends_with("leads back to where it comes from"));
        assert!(refusal(json!({"properties": {"a": {"$ref": "#"}}})).contains("leads back"));
        let cycle = json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
        assert!(refusal(cycle).contains("leads back"));
        let mut defs = serde_json::Map::new();
        for level in 0..25 {
            let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            defs.insert(format!("d{level}"), json!({"allOf": [next, next]}));
        }
        defs.insert("d25".into(), json!({"type": "string"}));
        assert!(refusal(json!({"$defs": defs})).contains("there are more than 10000 schemas"));
        let deep = (0..100).fold(json!({}), |inner, _| json!({"not": inner}));
        assert!(refusal(deep).contains("nested more than 64 levels"));
    }

    #[test]
    fn patterns_take_linear_time() {
        let schema = compile(json!({"properties": {"a": {"pattern": "^(a+)+$"}}})).unwrap();
        let params = json!({"a": format!("{}b", "a".repeat(100_000))}).to_string();
        assert!(schema.check("data.params", &params).is_err());
    }

    #[test]
    fn large_and_many_numbers_are_taken() {
        let schema = compile(json!({"properties": {"a": {"type": "number"}, "b": {"uniqueItems": true}}})).unwrap();
        assert!(schema.check("data.params", r#"{"a": 123456789012345678901234567890}"#).is_ok());
        assert!(schema.check("data.params", r#"{"a": 1e400}"#).unwrap_err().0.starts_with("data.params: "));
        let many: Vec<u32> = (0..20_000).collect();
        assert!(schema.check("data.params", &json!({"b": many}).to_string()).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, pattern: String) {
            let _ = ParamsSchema::compile("data.params_schema", &text);
            let _ = compile(json!({"properties": {"a": {"pattern": pattern}}}))
                .map(|schema| schema.check("data.params", &json!({"a": text}).to_string()));
        }
    }
}
