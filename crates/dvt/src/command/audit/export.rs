//! `dvt audit export`: entries with their proofs, as JSON lines or CSV, for an auditor's own tools. Payloads leave in clear only with
//! `--payloads`, and only where one may read payloads as well.

use super::filter::{Filter, data};
use crate::compose::Composition;
use crate::files;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::screen::Screen;
use clap::{Args, ValueEnum};
use dvt_access::reading::Reading;
use dvt_ledger::checkpoint::origin;
use dvt_model::digest::hex;
use dvt_model::proof::{AuditExport, Authorized, RunReadPayload};
use dvt_model::resource::{Ledger, Project};
use dvt_store::port::ledger::{Cleared, Exported, MOST_EXPORTED, PayloadSight, Proven, Sight};
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};
use std::path::PathBuf;

const ROUTE: &str = "dvt audit export";

/// The shape of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// One JSON value a line: a head with the checkpoint, then the entries.
    Jsonl,
    /// Columns, without payloads.
    Csv,
}

/// Export entries with their proofs, at most 10,000.
///
/// Example:
///   dvt audit export --since 30d --file ledger.jsonl
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filter: Filter,
    /// The shape.
    #[arg(long, value_enum, value_name = "SHAPE", default_value = "jsonl")]
    shape: Shape,
    /// Payloads and their salts in clear too; needs the right to read payloads.
    #[arg(long)]
    payloads: bool,
    /// Where it goes; without it, standard output.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    if arguments.payloads && arguments.shape == Shape::Csv {
        return Err(Problem::usage("payloads do not fit into columns").fix("--shape jsonl"));
    }
    let query = arguments.filter.query(composition, ROUTE).await?;
    let (access, context) = (&composition.access, &composition.context);
    let proof: Authorized<Ledger, AuditExport> = access.ledger(context, ROUTE).await?;
    let payloads = match arguments.payloads {
        true => {
            let right: Authorized<Project, RunReadPayload> = access.project(context, ROUTE).await?;
            Some(PayloadSight::of(&right))
        }
        false => None,
    };
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    let ledger = origin(transaction.ledger());
    let exported = transaction.export_ledger(&Sight::export(&proof), payloads.as_ref(), &query).await?;
    let question = json!({
        "query": data(&query), "entries": exported.entries.len(), "payloads": arguments.payloads,
        "first": exported.entries.last().map(|entry| entry.index), "last": exported.entries.first().map(|entry| entry.index),
    });
    access.entered_reading(&proof, Reading::Export, question, ROUTE).await?;
    let text = match arguments.shape {
        Shape::Jsonl => json_lines(&exported, &ledger, arguments.payloads),
        Shape::Csv => csv(&exported),
    };
    match &arguments.file {
        None => screen.out(&text),
        Some(path) => files::write_new(path, &text)?,
    }
    let count = exported.entries.len();
    screen.note(&format!(
        "{}, each with its proof under the checkpoint of size {}",
        plural(count as u64, "entry", "entries"),
        exported.size
    ));
    if exported.unsealed > 0 {
        let (one, many) = ("more is not sealed yet and stays out", "more are not sealed yet and stay out");
        screen.note(&plural(exported.unsealed, one, many));
    }
    if count >= MOST_EXPORTED as usize {
        screen.note("there may be more: ask for a shorter time with --since and --until");
    }
    Ok(Exit::Completed)
}

fn json_lines(exported: &Exported, ledger: &str, with_payloads: bool) -> String {
    let head = json!({
        "kind": "export", "version": "1.0", "origin": ledger, "checkpoint": exported.note, "entries": exported.entries.len(),
        "payloads": with_payloads,
    });
    let entries = exported.entries.iter().map(|entry| line("entry", entry, with_payloads));
    let tombstones = exported.tombstones.iter().map(|entry| line("tombstone", entry, false));
    std::iter::once(head).chain(entries).chain(tombstones).map(|value| format!("{value}\n")).collect()
}

fn line(kind: &str, entry: &Proven, with_payloads: bool) -> Value {
    let mut value = json!({
        "kind": kind, "index": entry.index, "envelope": String::from_utf8_lossy(&entry.envelope),
        "leafSalt": hex(&entry.leaf_salt), "proof": path(entry),
    });
    if let Some(fields) = value.as_object_mut().filter(|_| with_payloads) {
        let payloads = entry.payloads.iter().map(|cleared| match cleared {
            Cleared::Open { salt, value } => json!({ "salt": hex(salt), "value": value }),
            Cleared::Erased => json!({ "erased": true }),
        });
        fields.insert("payloads".to_owned(), payloads.collect());
    }
    value
}

fn path(entry: &Proven) -> Vec<String> {
    entry.path.iter().map(dvt_ledger::base64_text).collect()
}

/// Columns as spreadsheets read them. The envelope goes along whole: the proof is about its bytes.
fn csv(exported: &Exported) -> String {
    const FIELDS: [(&str, &str); 9] = [
        ("recordedAt", "/recordedAt"),
        ("eventType", "/eventType"),
        ("eventName", "/eventName"),
        ("action", "/action"),
        ("decision", "/decision"),
        ("actor", "/actor/id"),
        ("resourceType", "/resource/type"),
        ("resource", "/resource/id"),
        ("reasonCode", "/reasonCode"),
    ];
    let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    let mut out = format!("index,{},leafSalt,proof,envelope\r\n", names.join(","));
    for entry in &exported.entries {
        let envelope: Value = serde_json::from_slice(&entry.envelope).unwrap_or_default();
        let text = |pointer: &str| envelope.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let mut cells = vec![entry.index.to_string()];
        cells.extend(FIELDS.iter().map(|(_, pointer)| quoted(text(pointer))));
        cells.extend([
            hex(&entry.leaf_salt),
            path(entry).join(" "),
            quoted(&String::from_utf8_lossy(&entry.envelope)),
        ]);
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

/// RFC 4180; what a spreadsheet would take for a formula is text.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if guard.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_are_text_and_never_formulas() {
        assert_eq!(quoted("run_1"), "run_1");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }
}
