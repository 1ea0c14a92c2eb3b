//! What a batch of histories has met: a simulator that never met a case has not tested it.
//!
//! Each table names every one of its cells beforehand, so that a case nobody meets is an empty cell and not a missing line.

mod required;

use super::reference::Said;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Histories from which on an empty cell is a failure.
pub const ENOUGH: u64 = 1_000;

/// The tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Contract 4.4: state × event, `+` where the core said it, `-` where it was put before the core and refused.
    Run,
    /// The same for steps.
    Step,
    /// Step events × states of the run.
    While,
    /// The sentences below the tables: events that the cell allows and a condition forbids, refused.
    Condition,
    /// Contract 4.5: signal × state of the run, with the answer.
    Signal,
    /// Fault kinds.
    Fault,
    /// Causes, reasons and codes.
    Reason,
    /// Commands that were refused, by code.
    Refusal,
}

impl Table {
    const ALL: [Self; 8] = [
        Self::Run,
        Self::Step,
        Self::While,
        Self::Condition,
        Self::Signal,
        Self::Fault,
        Self::Reason,
        Self::Refusal,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Run => "run state × event",
            Self::Step => "step state × event",
            Self::While => "step event while the run is",
            Self::Condition => "conditions that refused",
            Self::Signal => "signal × run state",
            Self::Fault => "faults",
            Self::Reason => "reasons",
            Self::Refusal => "refusals",
        }
    }
}

/// Counts, summed over histories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Histories.
    pub histories: u64,
    /// Commands decided.
    pub commands: u64,
    /// Commands refused.
    pub refusals: u64,
    /// Events stored.
    pub events: u64,
    pub(super) cells: BTreeMap<(Table, String), u64>,
}

impl Coverage {
    /// One more.
    pub fn meet(&mut self, table: Table, cell: impl Into<String>) {
        *self.cells.entry((table, cell.into())).or_default() += 1;
    }

    /// A fault.
    pub fn fault(&mut self, kind: &str) {
        self.meet(Table::Fault, kind);
    }

    /// What an event says of reasons.
    pub fn reasons(&mut self, said: &Said) {
        let pointers = ["/cause", "/reasonCode", "/failure/errorCode", "/outcome"];
        let texts =
            pointers.iter().filter_map(|pointer| said.payload.pointer(pointer).and_then(Value::as_str));
        for text in texts.collect::<Vec<_>>() {
            self.meet(Table::Reason, format!("{} {text}", said.name));
        }
        if said.payload.get("retryAt").is_some() {
            self.meet(Table::Reason, format!("{} and retried", said.name));
        }
    }

    /// Cells that enough histories should have met and did not.
    pub fn empty(&self) -> Vec<String> {
        if self.histories < ENOUGH {
            return Vec::new();
        }
        let required = required::cells();
        let met = |cell: &&(Table, String)| !self.cells.contains_key(*cell);
        required.iter().filter(met).map(|(table, cell)| format!("{}: {cell}", table.title())).collect()
    }

    /// How many different cells were met.
    pub fn met(&self) -> usize {
        self.cells.len()
    }

    /// The sum.
    pub fn add(&mut self, other: &Self) {
        self.histories += other.histories;
        self.commands += other.commands;
        self.refusals += other.refusals;
        self.events += other.events;
        for (cell, count) in &other.cells {
            *self.cells.entry(cell.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { histories, commands, refusals, events, cells } = self;
        writeln!(
            formatter,
            "{histories} histories, {commands} commands ({refusals} refused), {events} events"
        )?;
        let mut all: BTreeMap<&(Table, String), u64> =
            cells.iter().map(|(cell, count)| (cell, *count)).collect();
        let required = required::cells();
        for cell in &required {
            all.entry(cell).or_default();
        }
        for table in Table::ALL {
            let row: Vec<String> = all
                .iter()
                .filter(|((of, _), _)| *of == table)
                .map(|((_, cell), count)| format!("{cell} {count}"))
                .collect();
            writeln!(formatter, "{} ({}): {}", table.title(), row.len(), row.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule can fail: what was never met is missed, and a short batch is not judged.
    #[test]
    fn an_empty_cell_is_told() {
        let nothing = Coverage { histories: ENOUGH, ..Coverage::default() };
        assert_eq!(nothing.empty().len(), required::cells().len());
        assert!(nothing.empty().len() > 250);
        let mut some = nothing.clone();
        some.fault("crash");
        assert_eq!(some.empty().len(), nothing.empty().len() - 1);
        assert!(Coverage::default().empty().is_empty());
    }
}
