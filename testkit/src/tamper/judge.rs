//! Both verifiers over one file, and whether what they say places what was done.

use super::attack::{Made, Manner};
use super::file::File;
use super::second::Second;
use super::shape::Keys;
use super::stage::Stage;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::verify::result::{Finding, Status, VerificationResult};
use dvt_ledger::verify::{verify, verify_with_keys};
use dvt_model::time::Timestamp;
use dvt_store::verify::LedgerFile;
use serde_json::{Value, json};
use std::path::Path;

fn clock() -> Timestamp {
    Timestamp::from_ms(0)
}

/// Our verifier with public keys alone.
pub fn public(path: &Path, keys: &Keys, anchor: Option<&str>) -> Result<VerificationResult, String> {
    let public = keys.public();
    let anchor = anchor.map(|note| Checkpoint::open(note, &public).map(|(checkpoint, _)| checkpoint));
    let anchor = anchor.transpose().map_err(|error| error.to_string())?;
    let file = LedgerFile::open(path).map_err(|error| error.to_string())?;
    Ok(verify(&file, &public, anchor.as_ref(), &clock))
}

/// Our verifier with the tenant's keys.
pub fn keyed(path: &Path, stage: &Stage) -> Result<VerificationResult, String> {
    let file = LedgerFile::open(path).map_err(|error| error.to_string())?;
    let opened = stage.house.store.with_keys_of(stage.house.tenant(), path);
    let mut opened = opened.map_err(|error| error.to_string())?;
    Ok(verify_with_keys(&file, &stage.keys.public(), None, &mut opened, &clock))
}

/// The second verifier.
pub fn second(second: &mut Second, path: &Path, keys: &Keys, anchor: Option<&str>) -> Result<Value, String> {
    second.ask(&json!({ "ledger": path, "keys": keys.text(), "checkpoint": anchor }))
}

/// The status that the second verifier gave.
pub fn says(answer: &Value) -> &str {
    answer.get("status").and_then(Value::as_str).unwrap_or_default()
}

/// Whether the second verifier found something that covers an index.
pub fn second_places(answer: &Value, index: u64) -> bool {
    let findings = answer.get("findings").and_then(Value::as_array);
    let covers = |finding: &Value| {
        let at = |pointer: &str| finding.pointer(pointer).and_then(Value::as_u64);
        at("/index") == Some(index)
            || at("/range/from").is_some_and(|from| from <= index)
                && at("/range/to").is_some_and(|to| index < to)
    };
    says(answer) == "INVALID" && findings.is_some_and(|findings| findings.iter().any(covers))
}

/// The checkpoints around an index: what a root can say at best.
fn between(honest: &File, index: u64, manner: Manner) -> (u64, u64) {
    let sizes = || honest.checkpoints.iter().map(|(size, _)| *size);
    let from = sizes().take_while(|size| *size <= index).last().unwrap_or(0);
    let to = match manner {
        Manner::Cut => sizes().next_back(),
        Manner::Bare | Manner::Repaired => sizes().find(|size| *size > index),
    };
    (from, to.unwrap_or(u64::MAX))
}

fn width(finding: &Finding) -> u64 {
    finding.range.map_or(1, |span| span.to - span.from)
}

/// Why the result of our verifier, with a checkpoint from elsewhere, does not place what was done; `None` where it does.
pub fn fault(
    result: &VerificationResult,
    honest: &File,
    made: &Made,
    class: u8,
    manner: Manner,
) -> Option<String> {
    if result.status != Status::Invalid {
        return Some(format!("{:?}", result.status));
    }
    let mut covering = result.findings.iter().filter(|finding| finding.covers(made.touched)).peekable();
    if covering.peek().is_none() {
        return Some(format!("not placed at {}: {:?}", made.touched, result.findings));
    }
    let (from, to) = between(honest, made.touched, manner);
    let is_sharp = match (class, manner) {
        // A leaf that was not repaired names its entry.
        (1..=4 | 14, Manner::Bare) | (14, _) => covering.any(|finding| finding.index == Some(made.touched)),
        (1..=6 | 9..=12, _) => {
            // Of an entry at the end of a checkpoint's range the neighbours may be named too.
            covering.any(|finding| {
                finding.range.is_none_or(|span| span.from >= from && span.to <= to.saturating_add(8))
            })
        }
        _ => true,
    };
    (!is_sharp).then(|| format!("placed at {} only within {:?}", made.touched, result.findings))
}

/// Why the result with keys does not name the block, where a MAC tells.
pub fn keyed_fault(result: &VerificationResult, made: &Made, class: u8) -> Option<String> {
    if result.status != Status::Invalid {
        return Some(format!("with keys {:?}", result.status));
    }
    let (at, _) = made.file.find(made.touched)?;
    let block = made.file.blocks.get(at).map_or(1, |(_, block)| block.entries.len() as u64);
    let mut covering = result.findings.iter().filter(|finding| finding.covers(made.touched));
    let is_named = match class {
        13 | 25 => covering.any(|finding| finding.index == Some(made.touched) && finding.class == class),
        _ => covering.any(|finding| width(finding) <= block),
    };
    (!is_named).then(|| format!("with keys not placed at {}: {:?}", made.touched, result.findings))
}
