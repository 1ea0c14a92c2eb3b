//! `dvt access explain WHO ACTION [RUN]`: whether somebody may, by which role, and where that was last decided about this run.
//!
//! An installation of one person knows nobody but its owner; whoever else is named is answered as what is not there.

use crate::compose::Composition;
use crate::problem::exit::Exit;
use crate::problem::{Problem, spelling};
use crate::profile::user;
use crate::running::locate;
use crate::view::screen::Screen;
use crate::view::width::wrap;
use clap::Args;
use dvt_access::reading::Reading;
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::entry::EventType;
use dvt_model::id::PrincipalId;
use dvt_model::proof::{AuditReadSelf, Authorized, RunReadStatus};
use dvt_model::resource::{Ledger, Run};
use dvt_store::port::ledger::{Query, Sight};
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};

const ROUTE: &str = "dvt access explain";

/// Say whether somebody may do something, and by which role.
///
/// Example:
///   dvt access explain me RUN_CANCEL
///   dvt access explain me RUN_READ_PAYLOAD @latest
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Who: `me`, your name, or a principal's id.
    #[arg(value_name = "WHO")]
    who: String,
    /// What: an action, as entries of the ledger name it.
    #[arg(value_name = "ACTION")]
    action: String,
    /// Upon which run: then also the newest decision of that kind about it.
    #[arg(value_name = "RUN")]
    run: Option<String>,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let Composition { access, context, profile, .. } = composition;
    let own = context.principal().id;
    let is_own = arguments.who == "me"
        || arguments.who == user::name()
        || PrincipalId::parse(&arguments.who).is_ok_and(|who| who == own);
    if !is_own {
        return Err(Problem::from(dvt_access::Denied::not_found())
            .why("this installation has one member")
            .fix("dvt config show   tells who you are"));
    }
    let action = action(&arguments.action)?;
    let decided = match &arguments.run {
        Some(text) => decided(text, action, composition).await?,
        None => None,
    };
    let explained = access.explain(context, action);
    let outcome = if explained.by.is_some() { "GRANTED" } else { "DENIED" };
    if !screen.for_people() {
        screen.json(&json!({
            "principalId": own, "action": action, "outcome": outcome, "role": explained.by, "held": explained.held,
            "takes": explained.takes, "boundAt": { "tenantId": context.scope().tenant() }, "decided": decided,
        }));
        return Ok(Exit::Completed);
    }
    let list = |roles: &[dvt_model::action::Role]| {
        roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let text = match explained.by {
        Some(role) => format!("GRANTED by role {role}, bound at tenant {}", profile.name),
        None if explained.takes.is_empty() => format!("DENIED: {action} is no person's to do"),
        None => {
            format!("DENIED: it takes {}, and you hold {}", list(&explained.takes), list(&explained.held))
        }
    };
    let entry = decided.as_ref().map(|decided| {
        let word =
            |key: &str| decided.get(key).map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
        let [decision, index, was] =
            ["decisionId", "index", "outcome"].map(|key| word(key).unwrap_or_default());
        let was = if was == outcome { String::new() } else { format!(": {was}") };
        format!(" (decision {decision}, entry {index}{was})")
    });
    screen.line(&wrap(&format!("{text}{}", entry.unwrap_or_default()), "  ", screen.width()));
    if arguments.run.is_some() && decided.is_none() {
        screen.note("nothing of this kind was decided about the run yet");
    }
    Ok(Exit::Completed)
}

fn action(text: &str) -> Result<Action, Problem> {
    let upper = text.to_uppercase().replace('-', "_");
    Action::parse(&upper).ok_or_else(|| {
        let all: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        let near = spelling::nearest(&upper, all.iter().copied());
        let choices = if near.is_empty() { all } else { near };
        Problem::new(Code::InvalidRequest, format!("`{text}` is no action"))
            .fix(format!("one of: {}", choices.join(", ")))
    })
}

/// The newest decision of the caller about this action on a run. Looking for it is a reading of the ledger, and entered.
async fn decided(text: &str, action: Action, composition: &Composition) -> Result<Option<Value>, Problem> {
    let Composition { access, context, store, .. } = composition;
    let run = locate::run(text, composition, ROUTE).await?;
    let _seen: Authorized<Run, RunReadStatus> = access.run(context, run, ROUTE).await?;
    let proof: Authorized<Ledger, AuditReadSelf> = access.ledger(context, ROUTE).await?;
    let query = Query {
        actor: Some(context.principal().id),
        resource: Some(run.to_string()),
        decision: None,
        event_type: Some(EventType::AuthDecision),
        class: None,
        since: None,
        until: None,
    };
    let (mut cursor, mut rows, mut found) = (None, 0, None);
    loop {
        let transaction = store.begin(context.scope(), Kind::Act)?;
        let page = transaction.read_ledger(&Sight::own(&proof), &query, cursor.as_deref()).await?;
        rows += page.rows.len();
        found = found.or_else(|| {
            page.rows
                .iter()
                .find(|row| row.envelope.get("action").and_then(Value::as_str) == Some(action.as_str()))
                .cloned()
        });
        cursor = page.next;
        if found.is_some() || cursor.is_none() {
            break;
        }
    }
    access.entered_reading(&proof, Reading::Page, json!({ "explains": action, "rows": rows }), ROUTE).await?;
    let text = |row: &dvt_store::port::ledger::Row, key: &str| row.envelope.get(key).cloned();
    Ok(found.map(|row| {
        json!({
            "decisionId": text(&row, "decisionId"), "index": row.index, "outcome": text(&row, "decision"),
            "reasonCode": text(&row, "reasonCode"),
        })
    }))
}
