//! What the keys of a plan take.

use super::step::{self, class};
use super::values::{
    ID, NAME, integer, literal, long_duration, named, size, some_duration, strings, tags, words,
};
use super::{Key, family};
use crate::document::plan::{API_VERSION, DEFAULTS, LIMITS, WRITTEN};
use crate::document::{classes, concurrency, permissions};
use serde_json::{Value, json};

const VERSION: &str = "^(0|[1-9][0-9]{0,8})\\.(0|[1-9][0-9]{0,8})\\.(0|[1-9][0-9]{0,8})\
                       (-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)\
                       (\\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?\
                       (\\+[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?$";
/// As `glob::check` has it: relative, no `..`, no `.` but at its beginning, `**` alone in its place, no open `[`.
const GLOB: &str = "^(?![/~])(?!(.*/)?\\.\\.(/|$))(?!\\./?$)(?!.+/\\.(/|$))(?!.*//)(?!.*/$)\
                    (?!(.*/)?([^/]+\\*\\*[^/]*|\\*\\*[^/]+)(/|$))(?!.*\\[[^\\]/]*(/|$))[^\\\\\\x00-\\x1f\\x7f-\\x9f]*$";
/// As `permissions` reads them.
const SECRET: &str = "^[a-z0-9][a-z0-9_-]{0,62}(/[a-z0-9][a-z0-9_-]{0,62}){0,7}(@(0|[1-9][0-9]{0,8}))?$";
const HOST: &str = "^(?=.{1,253}:)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\
                    :([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$";
const PLUGIN: &str =
    "^[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*@(0|[1-9][0-9]{0,8})(\\.(0|[1-9][0-9]{0,8})){0,2}$";

/// The whole document.
pub(super) fn schema() -> Value {
    family(&WRITTEN, &["apiVersion", "name", "steps"], key)
}

fn key(key: &str) -> Option<Key> {
    Some(match key {
        "apiVersion" => (json!({"const": API_VERSION}), "the version of the language"),
        "name" => (json!({"type": "string", "pattern": ID}), "the name of the plan"),
        "title" => (literal(), "a title for people"),
        "version" => (
            json!({"type": "string", "pattern": VERSION}),
            "the semantic version; `dvt plan publish` needs it",
        ),
        "description" => (literal(), "what the plan does, for people"),
        "tags" => (tags(), "words for selecting"),
        "inputs" => (
            named(NAME, &json!({"$ref": "#/definitions/schema"})),
            "what the run is given: a schema each, checked at start; unknown inputs are refused",
        ),
        "vars" => (named(NAME, &json!({})), "values that steps share, as `vars.name`; no expressions"),
        "files" => (
            strings(&json!({"type": "string", "minLength": 1, "maxLength": 256, "pattern": GLOB}), 256),
            "globs of what is packed: all that steps see of this folder",
        ),
        "limits" => (
            family(&LIMITS, &[], |key| {
                Some(match key {
                    "maxDuration" => {
                        (long_duration(), "the longest time of a run; 24h where it says nothing")
                    }
                    "maxParallel" => (integer(1, 10_000), "steps at once; 64 where it says nothing"),
                    _ => return None,
                })
            }),
            "what the whole run may take",
        ),
        "defaults" => (
            family(&DEFAULTS, &[], |key| {
                Some(match key {
                    "retry" => (step::retry(), "the retry of each step that says none"),
                    "timeout" => {
                        (some_duration(), "the longest time of one attempt of each step that says none")
                    }
                    _ => return None,
                })
            }),
            "what holds for every step that says nothing else",
        ),
        "permissions" => (
            family(&permissions::FAMILY, &[], |key| {
                let list = |pattern: &str| strings(&json!({"type": "string", "pattern": pattern}), 10_000);
                Some(match key {
                    "secrets" => (list(SECRET), "secrets that steps may be handed, such as `warehouse/dsn`"),
                    "egress" => {
                        (list(HOST), "hosts and ports that steps may reach, such as `api.acme.test:443`")
                    }
                    "plugins" => (list(PLUGIN), "plugins that steps may use, such as `acme/etl@1.2`"),
                    _ => return None,
                })
            }),
            "the ceiling of this plan; what is not named is denied",
        ),
        "steps" => (
            json!({
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": ID},
                "additionalProperties": {"$ref": "#/definitions/step"},
            }),
            "the steps, by their ids",
        ),
        "outputs" => (named(NAME, &json!({})), "what the run gives; expressions over the steps' outputs"),
        "finally" => (
            named(
                ID,
                &json!({"allOf": [{"$ref": "#/definitions/step"}], "not": {"required": ["compensate"]}}),
            ),
            "steps that run at the end, whatever happened",
        ),
        "onStepFailure" => {
            (words(&["fail", "hold"]), "`hold`: after a failure the run waits for an operator")
        }
        "concurrency" => {
            let group = json!({"type": "string", "minLength": 1, "maxLength": 256});
            let keys = family(&concurrency::FAMILY, &["group"], |key| {
                Some(match key {
                    "group" => (group.clone(), "runs with the same group are one after the other"),
                    "onBusy" => {
                        (words(&["queue", "reject", "cancelPrevious"]), "what happens to a second run")
                    }
                    _ => return None,
                })
            });
            (json!({"anyOf": [group, keys]}), "one run of a group at a time")
        }
        "data" => (
            family(&classes::DATA, &["class"], |key| {
                (key == "class").then(|| (class(), "the highest class that payloads of this plan may carry"))
            }),
            "how this plan's payloads are protected",
        ),
        "scratch" => (size(), "the size of one writable folder per run"),
        _ => return None,
    })
}
