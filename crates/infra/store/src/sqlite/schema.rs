//! What a file's tables, indexes and triggers must be: exactly what its migrations make, word for word.
//!
//! A dropped trigger would let the past be changed, a view or a changed CHECK could make a lie look stored: each is named.

use super::Sql;
use super::file::Kind;
use crate::port::error::Error;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// More objects than this no file of ours has.
const MOST: usize = 1_000;

/// An object of a schema.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Object {
    what: String,
    name: String,
    table: String,
    sql: Option<String>,
}

impl Object {
    /// Whether it is this table.
    pub(crate) fn is_table(&self, name: &str) -> bool {
        self.what == "table" && self.name == name
    }
}

/// The schema of a file, in order.
pub(crate) fn of(connection: &Connection) -> Result<Vec<Object>, Error> {
    let mut statement = connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema").sql()?;
    let mut rows = statement.query([]).sql()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().sql()? {
        if found.len() == MOST {
            return Err(Error::integrity(format!("the schema has more than {MOST} objects")));
        }
        let text = |at: usize| row.get::<_, String>(at).sql();
        found.push(Object {
            what: text(0)?,
            name: text(1)?,
            table: text(2)?,
            sql: row.get::<_, Option<String>>(3).sql()?,
        });
    }
    found.sort();
    Ok(found)
}

/// A difference from the schema that the migrations make.
pub(crate) struct Fault {
    /// Which object, and what is wrong with it.
    pub(crate) text: String,
    /// Whether the file cannot be opened with it. A missing trigger or index takes a belt away and does nothing by itself:
    /// leaf, MAC and tree still find what was changed, and `dvt store check` names it. Everything else would run, or be read,
    /// within our own statements.
    pub(crate) forbids: bool,
}

/// What differs from the schema of this kind and version, each by its name; empty where nothing does.
pub(crate) fn faults(found: &[Object], kind: Kind, version: i64) -> Result<Vec<Fault>, Error> {
    let wanted = wanted(kind, version)?;
    let mut faults = Vec::new();
    let mut fault = |object: &Object, forbids: bool, what: &str| {
        faults.push(Fault { text: format!("the {} `{}` {what}", object.what, object.name), forbids });
    };
    for object in &wanted {
        match found.iter().find(|other| other.what == object.what && other.name == object.name) {
            None => fault(object, object.what == "table", "is missing"),
            Some(other) if other != object => fault(object, true, "was changed"),
            Some(_) => {}
        }
    }
    for object in found {
        if !wanted.iter().any(|other| other.what == object.what && other.name == object.name) {
            fault(object, true, "does not belong there");
        }
    }
    Ok(faults)
}

/// The schema that the migrations make, made once per process.
fn wanted(kind: Kind, version: i64) -> Result<Vec<Object>, Error> {
    static MADE: Mutex<BTreeMap<(&str, i64), Vec<Object>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made.get(&(kind.mark, version)) {
        return Ok(known.clone());
    }
    let connection = Connection::open_in_memory().sql()?;
    for migration in kind.migrations.iter().take(usize::try_from(version).unwrap_or(0)) {
        connection.execute_batch(migration).sql()?;
    }
    let objects = of(&connection)?;
    made.insert((kind.mark, version), objects.clone());
    Ok(objects)
}
