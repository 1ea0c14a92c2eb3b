//! How long each kind of data is kept (contract 6.6), and what ends it.
//!
//! A tenant may keep everything longer, and what the law does not fix shorter. Surprising: a run's clocks start at its end,
//! and a year is counted in days with every leap day that can fall into it, so that nothing ends early.

pub(crate) mod prune;
pub(crate) mod setting;
pub(crate) mod sweep;

use crate::commit::change::{Change, Draft};
use crate::commit::group::{Group, Stop};
use crate::commit::prepare::Sealed;
use crate::port::error::{Error, Refusal};
use crate::port::operation::ActDraft;
use crate::port::transaction::TenantTx;
use crate::sqlite::Sql;
use crate::tenant::Tenant;
use dvt_model::code::Code;
use dvt_model::entry::PayloadClass;
use rusqlite::Connection;
use serde_json::{Value, json};
use setting::{Kind, Write};

/// The longest that can be asked for.
const MOST_DAYS: u64 = 36_525;

/// A kind of data with a clock of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Data {
    /// State and ordinary payloads of runs, and what they say about persons.
    Run,
    /// What steps printed.
    Log,
    /// Payloads of class `phi`.
    Phi,
    /// Payloads of class `financial`.
    Financial,
    /// Who took which secret.
    SecretAccess,
    /// Reasons and tickets.
    Compliance,
    /// Published plans and bundles that no run uses any more.
    Plan,
    /// Envelopes of the ledger.
    Ledger,
}

impl Data {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Run,
        Self::Log,
        Self::Phi,
        Self::Financial,
        Self::SecretAccess,
        Self::Compliance,
        Self::Plan,
        Self::Ledger,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Log => "log",
            Self::Phi => "phi",
            Self::Financial => "financial",
            Self::SecretAccess => "secret-access",
            Self::Compliance => "compliance",
            Self::Plan => "plan",
            Self::Ledger => "ledger",
        }
    }

    /// Reads its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|data| data.as_str() == text)
    }

    /// How long it is kept where nobody says otherwise.
    pub const fn default_days(self) -> u64 {
        match self {
            Self::Run => 365,
            Self::Log => 14,
            // Six years hold at most two leap days, seven too.
            Self::Phi => 2_192,
            Self::Financial | Self::SecretAccess | Self::Compliance | Self::Ledger => 2_557,
            Self::Plan => 90,
        }
    }

    /// The shortest that a tenant may choose.
    // INVARIANT(INV-22): what the law fixes cannot be kept for less.
    pub const fn least_days(self) -> u64 {
        match self {
            Self::Run | Self::Log | Self::Plan => 1,
            Self::Phi | Self::Financial | Self::SecretAccess | Self::Compliance | Self::Ledger => {
                self.default_days()
            }
        }
    }

    /// The clock of a payload class.
    pub const fn of(class: PayloadClass) -> Self {
        match class {
            PayloadClass::Standard | PayloadClass::Pii => Self::Run,
            PayloadClass::Phi => Self::Phi,
            PayloadClass::Financial => Self::Financial,
            PayloadClass::SecretAccess => Self::SecretAccess,
            PayloadClass::Compliance => Self::Compliance,
        }
    }
}

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What.
    pub data: Data,
    /// How many days.
    pub days: u64,
    /// The version of the setting; 0 where the default stands.
    pub row_version: u64,
}

/// The rules of a tenant.
pub(crate) fn rules(tenant: &Tenant, lane: &Connection) -> Result<Vec<Rule>, Error> {
    let stored = setting::all(tenant, lane, Kind::Retention)?;
    let rule = |data: Data| {
        let row = stored.iter().find(|row| row.name == data.as_str());
        let days = row.and_then(|row| row.value.get("days").and_then(Value::as_u64));
        // A stored value below what the law fixes does not count, whoever wrote it.
        let days = days.unwrap_or(data.default_days()).clamp(data.least_days(), MOST_DAYS);
        Rule { data, days, row_version: row.map_or(0, |row| row.row_version) }
    };
    Ok(Data::ALL.map(rule).into())
}

/// The days of one of them.
pub(crate) fn days(rules: &[Rule], data: Data) -> u64 {
    rules.iter().find(|rule| rule.data == data).map_or(data.default_days(), |rule| rule.days)
}

struct Setting {
    row: Write,
}

impl Change for Setting {
    fn judge(&self, group: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
        self.row.replace(group)
    }
}

/// Whether a tenant may keep something for so long.
pub(crate) fn check(data: Data, days: u64) -> Result<(), Error> {
    let least = data.least_days();
    if (least..=MOST_DAYS).contains(&days) {
        return Ok(());
    }
    let (reason, code) = if days < least && least > 1 {
        (format!("it is kept for at least {least} days, {days} were asked for"), Code::AuditRetentionLocked)
    } else {
        (format!("{least} to {MOST_DAYS} days, {days} were asked for"), Code::InvalidRequest)
    };
    Err(Error::Refused { path: format!("retention of {}", data.as_str()), reason, code })
}

impl TenantTx {
    /// How long each kind of data is kept.
    pub async fn retention(&self) -> Result<Vec<Rule>, Error> {
        self.read(|reader, lane| rules(&reader.tenant, lane)).await
    }

    /// Stages a new rule, made from the version that is named (0: none). `AUDIT_RETENTION_LOCKED` where the law fixes more.
    pub fn set_retention(
        &mut self,
        act: ActDraft,
        data: Data,
        days: u64,
        from_version: u64,
    ) -> Result<(), Error> {
        check(data, days)?;
        let change: Draft = Box::new(move |reader, _| {
            let (name, value) = (data.as_str(), json!({ "days": days }));
            let row = Write::new(&reader.tenant, Kind::Retention, name, from_version + 1, &value)?;
            Ok(Some((Box::new(Setting { row }), Vec::new())))
        });
        self.stage(act, change);
        Ok(())
    }

    /// What [`Self::set_retention`] and its commit would be answered with.
    pub async fn would_set_retention(
        &self,
        data: Data,
        days: u64,
        from_version: u64,
    ) -> Result<Result<(), Refusal>, Error> {
        check(data, days)?;
        self.read(move |reader, lane| {
            let setting = (Kind::Retention, data.as_str());
            setting::may_replace(lane, reader.tenant.id, setting, from_version).sql()
        })
        .await
    }
}
