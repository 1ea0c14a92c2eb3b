//! Pages of the ledger, newest first. Entries that are no run events are found by `ledger_search`, run events by their blocks; both
//! are only the way to an entry: what is shown is the envelope of an authenticated block, compared with the question once more.
//!
//! Surprising: a run event's actor is the engine, always (contract 8.3), so that a question for a person's acts never meets one.

use super::{Reader, events};
use crate::commit::authenticate;
use crate::port::error::Error;
use crate::port::ledger::{MOST_ROWS, Page, Query, Range, Row, Sight};
use crate::seal::cursor;
use crate::sqlite::{Sql, column};
use dvt_ledger::block::Block;
use dvt_model::code::Code;
use dvt_model::context::PrincipalType;
use dvt_model::entry::{Envelope, EventType, Outcome};
use dvt_model::id::RunId;
use dvt_model::scope::{Cover, ScopeIds, covers};
use dvt_model::time::Timestamp;
use rusqlite::types::Value as Bound;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a page is looked for in.
pub(crate) struct Search<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) lane: &'a Connection,
    pub(crate) sight: &'a Sight,
    pub(crate) query: &'a Query,
    pub(crate) range: Range,
    n: i64,
}

/// An entry that was found.
pub(crate) struct Hit {
    pub(crate) index: u64,
    pub(crate) position: usize,
    pub(crate) envelope: Envelope,
    pub(crate) block: std::rc::Rc<Block>,
}

/// A page.
pub(crate) fn page(
    reader: &Reader,
    lane: &Connection,
    sight: &Sight,
    query: &Query,
    from: Option<&str>,
) -> Result<Page, Error> {
    let binding = query.text(sight);
    let (range, before) = match from {
        None => (range(reader, query)?, u64::MAX >> 1),
        Some(text) => place(&cursor::open(&reader.tenant, lane, (&reader.scope, &binding), text)?)?,
    };
    let search = Search::new(reader, lane, sight, query, range)?;
    let mut hits = search.hits(before, MOST_ROWS as usize + 1)?;
    let is_more = hits.len() > MOST_ROWS as usize;
    hits.truncate(MOST_ROWS as usize);
    let next = match hits.last().filter(|_| is_more) {
        Some(last) => {
            let numbers = [range.since.ms(), range.until.ms(), column::signed(last.index)];
            let place = numbers.map(i64::to_be_bytes).concat();
            Some(cursor::seal(&reader.tenant, &reader.scope, &binding, &place)?)
        }
        None => None,
    };
    let rows = hits.into_iter().map(|hit| search.show(hit)).collect::<Result<_, _>>()?;
    Ok(Page { rows, next, range })
}

/// The range of a question.
pub(crate) fn range(reader: &Reader, query: &Query) -> Result<Range, Error> {
    query.range((reader.tenant.clock)()).ok_or_else(|| Error::Refused {
        path: "range".to_owned(),
        reason: "it ends before it begins, or it is longer than 365 days".to_owned(),
        code: Code::InvalidRequest,
    })
}

/// Range and index of a cursor: the second page looks through the same time as the first.
fn place(bytes: &[u8]) -> Result<(Range, u64), Error> {
    let (numbers, rest) = bytes.as_chunks::<8>();
    let [since, until, index] = numbers else { return Err(Error::cursor()) };
    if !rest.is_empty() {
        return Err(Error::cursor());
    }
    let [since, until, index] = [since, until, index].map(|number| i64::from_be_bytes(*number));
    let range = Range { since: Timestamp::from_ms(since), until: Timestamp::from_ms(until) };
    Ok((range, column::unsigned(index)?))
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        reader: &'a Reader,
        lane: &'a Connection,
        sight: &'a Sight,
        query: &'a Query,
        range: Range,
    ) -> Result<Self, Error> {
        // INVARIANT(INV-01): the proof is of the scope in which the transaction was begun.
        if sight.scope.ids() != reader.scope.ids() {
            return Err(Error::Contract("the right to read is of another scope".to_owned()));
        }
        let n = crate::commit::group::head(lane, reader.tenant.id)?.n;
        Ok(Self { reader, lane, sight, query, range, n })
    }

    /// At most `limit` entries below an index, newest first.
    pub(crate) fn hits(&self, before: u64, limit: usize) -> Result<Vec<Hit>, Error> {
        let mut hits = self.acts(before, limit)?;
        hits.extend(self.run_events(before, limit)?);
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.index));
        hits.truncate(limit);
        Ok(hits)
    }

    /// Entries that are no run events. The pieces of the statement are constant, the values bound.
    fn acts(&self, before: u64, limit: usize) -> Result<Vec<Hit>, Error> {
        let Query { actor, resource, decision, event_type, class, .. } = self.query;
        if *event_type == Some(EventType::StateMutation) {
            return Ok(Vec::new());
        }
        let mut text = "SELECT ledger_index, first_index FROM ledger_search WHERE tenant_id = ? AND n = ?
             AND ledger_index < ? AND recorded_at >= ? AND recorded_at <= ?"
            .to_owned();
        let (since, until) = (self.range.since.ms(), self.range.until.ms());
        let mut values: Vec<Bound> = vec![
            self.reader.tenant.id.bytes().to_vec().into(),
            self.n.into(),
            column::signed(before).into(),
            since.into(),
            until.into(),
        ];
        let mut add = |piece: &str, value: Bound| {
            text.push_str(piece);
            values.push(value);
        };
        if let Some(actor) = actor {
            add(" AND actor_id = ?", actor.bytes().to_vec().into());
        }
        if let Some(resource) = resource {
            add(" AND resource_id = ?", resource.clone().into());
        }
        if let Some(decision) = decision {
            add(" AND decision = ?", decision.as_str().to_owned().into());
        }
        if let Some(event_type) = event_type {
            add(" AND event_type = ?", event_type.as_str().to_owned().into());
        }
        if let Some(class) = class {
            add(" AND resource_class = ?", class.clone().into());
        }
        if !self.sight.is_whole {
            add(" AND (actor_id = ?", self.sight.who.bytes().to_vec().into());
            add(" OR resource_id = ?)", self.sight.who.to_string().into());
        }
        text.push_str(" ORDER BY ledger_index DESC");
        let mut statement = self.lane.prepare_cached(&text).sql()?;
        let mut rows = statement.query(params_from_iter(values)).sql()?;
        let (mut hits, mut blocks) = (Vec::new(), BTreeMap::new());
        while let Some(row) = rows.next().sql()? {
            let (index, first) = (column::unsigned(row.get(0).sql()?)?, column::unsigned(row.get(1).sql()?)?);
            let block = match blocks.get(&first) {
                Some(block) => std::rc::Rc::clone(block),
                None => self.block(first)?,
            };
            blocks = BTreeMap::from([(first, std::rc::Rc::clone(&block))]);
            hits.extend(self.hit(&block, index)?);
            if hits.len() == limit {
                break;
            }
        }
        Ok(hits)
    }

    fn run_events(&self, before: u64, limit: usize) -> Result<Vec<Hit>, Error> {
        let query = self.query;
        let run = query.resource.as_deref().map(RunId::parse);
        let is_reached = self.sight.is_whole
            && query.actor.is_none()
            && query.class.is_none()
            && query.event_type.is_none_or(|kind| kind == EventType::StateMutation)
            && query.decision.is_none_or(|end| matches!(end, Outcome::Completed | Outcome::Failed))
            && !matches!(run, Some(Err(_)));
        if !is_reached {
            return Ok(Vec::new());
        }
        let columns = events::COLUMNS;
        let of_run = if run.is_some() { "AND run_id = ?" } else { "AND kind = 'run'" };
        let mut values: Vec<Bound> = vec![
            self.reader.tenant.id.bytes().to_vec().into(),
            self.n.into(),
            column::signed(before).into(),
            self.range.since.ms().into(),
        ];
        if let Some(Ok(run)) = run {
            values.push(run.bytes().to_vec().into());
        }
        let text = format!(
            "SELECT {columns} FROM ledger_block WHERE tenant_id = ? AND n = ? AND first_index < ? AND recorded_at >= ? {of_run}
             ORDER BY first_index DESC"
        );
        let mut statement = self.lane.prepare_cached(&text).sql()?;
        let mut rows = statement.query(params_from_iter(values)).sql()?;
        let mut hits = Vec::new();
        while let Some(row) = rows.next().sql()? {
            let block = std::rc::Rc::new(self.genuine(events::block(row).sql()??)?);
            for index in (block.first_index..block.first_index + block.envelopes.len() as u64).rev() {
                let found = self.hit(&block, index)?.filter(|hit| hit.index < before);
                hits.extend(found.filter(|hit| hit.envelope.run.is_some()));
                if hits.len() == limit {
                    return Ok(hits);
                }
            }
        }
        Ok(hits)
    }

    /// A block by its first index.
    pub(crate) fn block(&self, first: u64) -> Result<std::rc::Rc<Block>, Error> {
        let columns = events::COLUMNS;
        let text = format!(
            "SELECT {columns} FROM ledger_block WHERE tenant_id = ?1 AND n = ?2 AND first_index <= ?3 ORDER BY first_index DESC LIMIT 1"
        );
        let tenant = self.reader.tenant.id.bytes();
        let row = (tenant, self.n, column::signed(first));
        let read = self.lane.query_row(&text, row, events::block).sql()??;
        Ok(std::rc::Rc::new(self.genuine(read)?))
    }

    // INVARIANT(INV-03): an entry is shown after its leaf and its block's MAC were checked, and not before.
    fn genuine(&self, block: Block) -> Result<Block, Error> {
        authenticate::check(&self.reader.tenant.keyring, self.lane, self.reader.tenant.ledger, &block)?;
        Ok(block)
    }

    /// The entry at an index, if it is what was asked for and the scope covers it.
    pub(crate) fn hit(&self, block: &std::rc::Rc<Block>, index: u64) -> Result<Option<Hit>, Error> {
        let position = index.checked_sub(block.first_index).and_then(|place| usize::try_from(place).ok());
        let bytes = position.and_then(|position| block.envelopes.get(position));
        let (Some(position), Some(bytes)) = (position, bytes) else {
            return Err(Error::integrity(format!("the index of {index} leads to another block")));
        };
        let envelope: Envelope = serde_json::from_slice(bytes)
            .map_err(|_| Error::integrity(format!("the entry {index} cannot be read")))?;
        let lies_in = ScopeIds {
            tenant_id: envelope.tenant_id,
            project_id: envelope.project_id,
            environment_id: envelope.environment_id,
        };
        let is_covered = covers(&self.reader.scope, &self.reader.tenant.root, &lies_in) == Cover::Covered;
        let is_asked = is_covered && self.is_asked(&envelope);
        Ok(is_asked.then(|| Hit { index, position, envelope, block: std::rc::Rc::clone(block) }))
    }

    /// The columns of the search are no proof: the envelope is asked again.
    fn is_asked(&self, envelope: &Envelope) -> bool {
        let query = self.query;
        let (who, resource) = (envelope.actor.id, &envelope.resource);
        query.actor.is_none_or(|actor| actor == who)
            && query.resource.as_ref().is_none_or(|id| *id == resource.id)
            && query.decision.is_none_or(|decision| decision == envelope.decision)
            && query.event_type.is_none_or(|kind| kind == envelope.event_type)
            && (self.range.since..=self.range.until).contains(&envelope.recorded_at)
            && (self.sight.is_whole || who == self.sight.who || resource.id == self.sight.who.to_string())
    }

    /// What the holder of the sight may see of it.
    fn show(&self, hit: Hit) -> Result<Row, Error> {
        let mut envelope = serde_json::to_value(&hit.envelope)
            .map_err(|_| Error::integrity(format!("the entry {} cannot be shown", hit.index)))?;
        let redacted = !self.sight.is_whole && hit.envelope.actor.id != self.sight.who;
        if redacted {
            redact(&mut envelope, hit.envelope.actor.actor_type);
        }
        Ok(Row { index: hit.index, envelope, redacted })
    }
}

/// Another's act: that it was, upon what and how it ended; not by whom and from where.
fn redact(envelope: &mut Value, actor_type: PrincipalType) {
    let Some(fields) = envelope.as_object_mut() else { return };
    for field in ["requestId", "sessionId", "route", "causeEntryId", "payloads", "usage"] {
        fields.remove(field);
    }
    fields.insert("actor".to_owned(), json!({ "type": actor_type }));
}
