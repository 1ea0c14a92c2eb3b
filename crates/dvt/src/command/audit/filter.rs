//! What `show` and `export` ask the ledger for: the words of the command line as a question.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::running::locate;
use clap::Args;
use dvt_model::code::Code;
use dvt_model::entry::{EventType, Outcome, PayloadClass};
use dvt_model::id::PrincipalId;
use dvt_model::time::Timestamp;
use dvt_store::port::ledger::Query;
use serde_json::{Value, json};

/// The filters.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Filter {
    /// Who caused it: a principal's id, or `me`.
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Upon what: an id; for runs also its first digits, or `@latest`.
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// How it ended: GRANTED, DENIED, COMPLETED or FAILED.
    #[arg(long, value_name = "WORD")]
    decision: Option<String>,
    /// What kind of fact, as AUTH_DECISION or STATE_MUTATION.
    #[arg(long = "type", value_name = "WORD")]
    event_type: Option<String>,
    /// The class of the data that was touched.
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// From when on: a time (RFC 3339) or how long ago (`7d`, `12h`); 30 days where it is left out, at most 365.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Until when, in the same words.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl Filter {
    /// The question.
    pub(crate) async fn query(&self, composition: &Composition, route: &str) -> Result<Query, Problem> {
        let actor = match self.actor.as_deref() {
            Some("me") => Some(composition.context.principal().id),
            Some(text) => Some(PrincipalId::parse(text)?),
            None => None,
        };
        let resource = match self.resource.as_deref() {
            Some(text) if text == "@latest" || !text.contains('_') || text.starts_with("run_") => {
                Some(locate::run(text, composition, route).await?.to_string())
            }
            other => other.map(str::to_owned),
        };
        let now = crate::clock::now();
        Ok(Query {
            actor,
            resource,
            decision: word(self.decision.as_deref(), Outcome::parse, Outcome::ALL)?,
            event_type: word(self.event_type.as_deref(), EventType::parse, EventType::ALL)?,
            class: class(self.class.as_deref())?,
            since: self.since.as_deref().map(|text| time(text, now)).transpose()?,
            until: self.until.as_deref().map(|text| time(text, now)).transpose()?,
        })
    }
}

/// The question as the ledger keeps it.
pub(crate) fn data(query: &Query) -> Value {
    json!({
        "actor": query.actor, "resource": query.resource, "decision": query.decision, "eventType": query.event_type,
        "class": query.class, "since": query.since, "until": query.until,
    })
}

/// One of some words, in whatever case.
fn word<T: std::fmt::Display>(
    text: Option<&str>,
    parse: fn(&str) -> Option<T>,
    all: &[T],
) -> Result<Option<T>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let found = parse(&text.to_uppercase().replace('-', "_"));
    found.map(Some).ok_or_else(|| {
        let words = all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Problem::usage(format!("`{text}` is none of the words")).fix(words)
    })
}

/// A class of data.
fn class(text: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let found = PayloadClass::parse(&text.to_lowercase().replace('_', "-"));
    found.map(|class| Some(class.to_string())).ok_or_else(|| {
        let words = PayloadClass::ALL.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Problem::usage(format!("`{text}` is no class of data")).fix(format!("one of: {words}"))
    })
}

/// A time, or how long before now.
pub(crate) fn time(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    if let Some(time) = Timestamp::parse_rfc3339(text) {
        return Ok(time);
    }
    let unit = |letter| match letter {
        'm' => Some(60_000),
        'h' => Some(3_600_000),
        'd' => Some(86_400_000),
        'w' => Some(7 * 86_400_000),
        _ => None,
    };
    let ago = text.chars().next_back().and_then(unit).and_then(|unit: i64| {
        let count: i64 = text.get(..text.len().saturating_sub(1))?.parse().ok()?;
        count.checked_mul(unit).filter(|ago| *ago >= 0)
    });
    ago.map(|ago| Timestamp::from_ms(now.ms().saturating_sub(ago))).ok_or_else(|| {
        Problem::new(Code::InvalidRequest, format!("`{text}` is no time"))
            .fix("2026-02-16T09:00:00Z, or how long ago: 30m, 12h, 7d, 4w")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_moments_or_how_long_ago() {
        let now = Timestamp::from_ms(1_771_200_000_000);
        assert_eq!(time("2026-02-16T00:00:00Z", now), Ok(now));
        assert_eq!(time("7d", now).unwrap().ms(), now.ms() - 7 * 86_400_000);
        for wrong in ["", "d", "-1d", "7 d", "7y", "soon", "9999999999999999999d"] {
            assert!(time(wrong, now).is_err(), "{wrong}");
        }
        assert_eq!(
            word(Some("auth-decision"), EventType::parse, EventType::ALL),
            Ok(Some(EventType::AuthDecision))
        );
        assert!(word(Some("AUTH"), EventType::parse, EventType::ALL).is_err());
        assert_eq!(class(Some("SECRET_ACCESS")), Ok(Some("secret-access".to_owned())));
        assert!(class(Some("secret")).unwrap_err().notes[0].1.contains("secret-access"));
    }
}
