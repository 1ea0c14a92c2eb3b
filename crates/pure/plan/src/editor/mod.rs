//! The JSON Schema of the language, for editors: what completes a key, shows what it is for, and marks a wrong one while typing.
//!
//! The keys come from the tables that the reader reads by, so that a key of one is a key of the other; here stands only what each
//! takes. A schema sees one place at a time: names, types of expressions, graphs and bounds are the business of `dvt lint`.

mod plan;
mod step;
mod test_file;
mod values;

use crate::document::keys::Family;
use serde_json::{Map, Value, json};

/// The schema: draft 7, which every editor's YAML and JSON support reads.
pub fn schema() -> Value {
    let mut schema = plan::schema();
    if let Some(root) = schema.as_object_mut() {
        root.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        root.insert("$id".to_owned(), json!("dvt-plan.v1.schema.json"));
        root.insert("title".to_owned(), json!("DVT plan, version 1"));
        let definitions = json!({
            "step": step::step(),
            "compensation": step::compensation(),
            "schema": values::schema(),
        });
        root.insert("definitions".to_owned(), definitions);
    }
    schema
}

/// The schema of test files (`*.test.yaml`), in the same draft.
pub fn test_schema() -> Value {
    let mut schema = test_file::schema();
    if let Some(root) = schema.as_object_mut() {
        root.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        root.insert("$id".to_owned(), json!("dvt-plan-test.v1.schema.json"));
        root.insert("title".to_owned(), json!("Tests of a DVT plan, version 1"));
        let definitions =
            json!({"test": test_file::case(), "act": test_file::act(), "answer": test_file::answer()});
        root.insert("definitions".to_owned(), definitions);
    }
    schema
}

/// What one key takes, and what it is for.
type Key = (Value, &'static str);

/// A mapping of the keys of a family; a key that `of` does not know takes nothing, which the schema's test finds.
fn family(family: &Family, required: &[&str], of: impl Fn(&str) -> Option<Key>) -> Value {
    let mut properties = Map::new();
    for key in family.keys {
        let (mut value, description) = of(key).unwrap_or((json!({"not": {}}), ""));
        if let Some(value) = value.as_object_mut() {
            // Beside a `$ref`, draft 7 reads nothing else.
            let described = match value.remove("$ref") {
                Some(reference) => json!({"allOf": [{"$ref": reference}]}),
                None => Value::Object(std::mem::take(value)),
            };
            let mut described = described;
            if let Some(map) = described.as_object_mut() {
                map.insert("description".to_owned(), json!(description));
            }
            properties.insert((*key).to_owned(), described);
        }
    }
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if let (false, Some(map)) = (required.is_empty(), schema.as_object_mut()) {
        map.insert("required".to_owned(), json!(required));
    }
    schema
}
