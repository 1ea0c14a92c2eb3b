//! `dvt store check`: every page, entry, MAC, payload, sealed column and blob of every tenant that the caller may audit.
//!
//! What is not his to look at is counted, and nothing is told of it; a tenant whose file is too broken to ask is told of.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::{count, plural};
use crate::view::progress::Progress;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use crate::view::width::{indented, wrap};
use clap::Args;
use dvt_access::Judged;
use dvt_access::reading::Reading;
use dvt_model::code::Code;
use dvt_model::id::TenantId;
use dvt_model::proof::AuditRead;
use dvt_store::check::Checked;
use serde_json::{Value, json};

const ROUTE: &str = "dvt store check";

/// Look whether everything that DVT keeps is whole; ends with 1 where it is not.
///
/// Example:
///   dvt store check
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {}

/// A tenant, looked at as far as it could be.
struct Row {
    tenant: TenantId,
    faults: Vec<String>,
    checked: Option<Checked>,
}

/// Does it.
pub(crate) async fn run(composition: &Composition, screen: &mut Screen) -> Result<Exit, Problem> {
    let judged: Vec<Judged<AuditRead>> = composition.access.each_ledger(&composition.context, ROUTE).await?;
    let question = json!({ "layers": ["pages", "mac", "payload", "sealed", "blobs"] });
    // The platform holds nothing of a tenant's, and every tenant's start rests on it.
    let progress = Progress::begin(screen);
    let tenants = judged.len() + 1;
    progress.at(format!("1 of {tenants} tenants"));
    let mut rows = vec![looked_at(composition, composition.store.platform()?, &progress).await];
    let mut not_his = 0_u64;
    for (place, (tenant, proof)) in judged.into_iter().enumerate() {
        progress.at(format!("{} of {tenants} tenants", place + 2));
        match proof {
            Ok(proof) => {
                composition.access.entered_reading(&proof, Reading::Page, question.clone(), ROUTE).await?;
                rows.push(looked_at(composition, tenant, &progress).await);
            }
            Err(denied) if matches!(denied.code, Code::AuthzDenied | Code::Unauthenticated) => not_his += 1,
            Err(denied) => rows.push(broken(tenant, &Problem::from(denied))),
        }
    }
    drop(progress);
    let is_whole = rows.iter().all(|row| row.faults.is_empty());
    if screen.for_people() {
        rows.iter().for_each(|row| show(row, screen));
        if not_his > 0 {
            let tenants = plural(not_his, "tenant is", "tenants are");
            screen.note(&format!("{tenants} not yours to look at: that takes AUDIT_READ there"));
        }
    } else {
        let tenants = rows.iter().map(data).collect::<Result<Vec<_>, _>>()?;
        screen.json(&json!({ "whole": is_whole, "tenants": tenants, "notLookedAt": not_his }));
    }
    Ok(if is_whole { Exit::Completed } else { Exit::Failed })
}

async fn looked_at(composition: &Composition, tenant: TenantId, progress: &Progress) -> Row {
    match composition.store.check(tenant, &progress.tally()).await {
        Ok(checked) => Row { tenant, faults: faults(&checked), checked: Some(checked) },
        Err(error) => broken(tenant, &Problem::from(error)),
    }
}

fn broken(tenant: TenantId, problem: &Problem) -> Row {
    Row { tenant, faults: vec![format!("{}: {}", problem.code, problem.message)], checked: None }
}

fn faults(checked: &Checked) -> Vec<String> {
    let ledger = checked.ledger.findings.iter().map(|finding| {
        let place = match (finding.index, finding.range) {
            (Some(index), _) => format!("entry {index}: "),
            (None, Some(span)) => format!("entries {} to {}: ", span.from, span.to),
            (None, None) => String::new(),
        };
        format!("{place}{} (class {})", finding.detail, finding.class)
    });
    let mut all: Vec<String> = checked.faults.iter().cloned().chain(ledger).collect();
    if all.is_empty() && !checked.is_whole() {
        all.push("the ledger could not be verified to its end".to_owned());
    }
    all
}

fn show(row: &Row, screen: &mut Screen) {
    let paint = screen.paint();
    let counts = row.checked.as_ref().map(|checked| {
        format!(
            ": {}, {}, {}, {}, {}, {} erased",
            plural(checked.ledger.entries_checked, "entry", "entries"),
            plural(checked.ledger.payloads_checked, "payload", "payloads"),
            plural(checked.keys, "key", "keys"),
            plural(checked.sealed, "sealed column", "sealed columns"),
            plural(checked.blobs, "blob", "blobs"),
            count(checked.erased + checked.ledger.erased)
        )
    });
    let platform = row.checked.as_ref().is_some_and(|checked| checked.platform);
    let name = if platform { "the platform".to_owned() } else { row.tenant.to_string() };
    let (whole, width) = (row.faults.is_empty(), screen.width());
    let word = if whole { "whole" } else { "broken" };
    let line = wrap(&format!("{name} {word}{}", counts.unwrap_or_default()), "  ", width);
    // Columns are counted without colour, so it comes into the lines afterwards.
    let painted = if whole { paint.green(word) } else { paint.red(word) };
    screen.line(&line.replacen(&format!(" {word}"), &format!(" {painted}"), 1));
    for fault in &row.faults {
        let line = indented(&format!("  ✗ {}", safe(fault)), width);
        screen.line(&line.replacen('✗', &paint.red("✗"), 1));
    }
}

fn data(row: &Row) -> Result<Value, Problem> {
    let Some(checked) = &row.checked else {
        return Ok(json!({ "tenantId": row.tenant, "whole": false, "faults": row.faults }));
    };
    let ledger = serde_json::to_value(&checked.ledger);
    let ledger = ledger.map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    Ok(json!({
        "tenantId": row.tenant,
        "platform": checked.platform,
        "whole": row.faults.is_empty(),
        "faults": row.faults,
        "keys": checked.keys,
        "sealed": checked.sealed,
        "blobs": checked.blobs,
        "erased": checked.erased,
        "knownCheckpoint": checked.known,
        "ledger": ledger,
    }))
}
