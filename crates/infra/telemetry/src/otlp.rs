//! Traces in the JSON form of OTLP: a run is a trace, an attempt of a step a span below it. Ids follow from the run, so that a trace
//! can be found by the id that `dvt runs list` shows. No payload is in reach.

use crate::seen::Seen;
use dvt_model::digest::Digest;
use dvt_model::id::RunId;
use dvt_model::time::Timestamp;
use serde_json::{Value, json};

/// Of runs that end well one in so many is told.
const ONE_IN: u64 = 10;
/// `SPAN_KIND_INTERNAL`, `STATUS_CODE_OK`, `STATUS_CODE_ERROR`.
const INTERNAL: u32 = 1;
const OK: u32 = 1;
const ERROR: u32 = 2;

/// An attempt of a step.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) begun: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) step: String,
    pub(crate) seen: Seen,
}

/// A run that ended.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(crate) run: RunId,
    pub(crate) begun: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) status: &'static str,
    pub(crate) code: Option<String>,
    pub(crate) steps: Vec<Span>,
}

impl Trace {
    /// Whether a run that ends well is told: the same answer in every process.
    pub(crate) fn is_sampled(run: RunId) -> bool {
        let hex = Digest::of(&run.bytes()).hex();
        let number = hex.get(..15).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        number.is_some_and(|number| number.is_multiple_of(ONE_IN))
    }

    /// The body of `POST /v1/traces`.
    pub(crate) fn body(&self) -> Value {
        let trace = dvt_model::digest::hex(&self.run.bytes());
        let root = span_id(self.run, "");
        let mut spans = vec![span(
            (&trace, &root, None),
            "run",
            (self.begun, self.ended),
            (self.status != "COMPLETED").then_some(self.code.as_deref().unwrap_or(self.status)),
            json!([text("dvt.run", &self.run.to_string()), text("dvt.status", self.status)]),
        )];
        for Span { begun, ended, step, seen } in &self.steps {
            let id = span_id(self.run, &format!("{step}/{}/{}", seen.attempt, seen.dispatch));
            let is_bad = seen.event == Some(dvt_model::run::EventName::StepFailed);
            spans.push(span(
                (&trace, &id, Some(&root)),
                step,
                (*begun, *ended),
                is_bad.then_some(seen.code.as_deref().unwrap_or("FAILED")),
                json!([text("dvt.step", step), number("dvt.attempt", seen.attempt)]),
            ));
        }
        json!({"resourceSpans": [{
            "resource": {"attributes": [text("service.name", "dvt"), text("service.version", env!("CARGO_PKG_VERSION"))]},
            "scopeSpans": [{"scope": {"name": "dvt"}, "spans": spans}],
        }]})
    }
}

fn span_id(run: RunId, what: &str) -> String {
    let bytes = [&run.bytes()[..], what.as_bytes()].concat();
    Digest::of(&bytes).hex().chars().take(16).collect()
}

fn span(
    (trace, id, parent): (&str, &str, Option<&str>),
    name: &str,
    (begun, ended): (Timestamp, Timestamp),
    error: Option<&str>,
    attributes: Value,
) -> Value {
    let nanoseconds = |at: Timestamp| format!("{}", i128::from(at.ms()) * 1_000_000);
    let status = match error {
        None => json!({"code": OK}),
        Some(code) => json!({"code": ERROR, "message": code}),
    };
    json!({
        "traceId": trace, "spanId": id, "parentSpanId": parent.unwrap_or_default(), "name": name, "kind": INTERNAL,
        "startTimeUnixNano": nanoseconds(begun), "endTimeUnixNano": nanoseconds(ended), "status": status,
        "attributes": attributes,
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn number(key: &str, value: u32) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}
