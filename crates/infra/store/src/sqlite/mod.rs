//! SQLite: one file per tenant and a control database. Nothing of the driver leaves this crate.

pub(crate) mod column;
pub(crate) mod connect;
pub(crate) mod file;
pub(crate) mod immediate;
pub(crate) mod lanes;
pub(crate) mod look;
pub(crate) mod schema;

use crate::port::error::Error;

/// Turns a driver error into ours at the place where it happens.
pub(crate) trait Sql<T> {
    /// The value, or our error.
    fn sql(self) -> Result<T, Error>;
}

impl<T> Sql<T> for rusqlite::Result<T> {
    fn sql(self) -> Result<T, Error> {
        self.map_err(|error| fault(&error))
    }
}

/// A row by a statement that the connection keeps prepared: reading its text costs more than running it.
pub(crate) trait Cached {
    /// The first row of what the statement finds.
    fn cached_row<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T>;
}

impl Cached for rusqlite::Connection {
    fn cached_row<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.prepare_cached(sql)?.query_row(params, read)
    }
}

/// Our error for the driver's. Statement texts and values stay out of it.
pub(crate) fn fault(error: &rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Error::NotFound,
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase => {
                Error::integrity("the database file is damaged".to_owned())
            }
            rusqlite::ErrorCode::ConstraintViolation => {
                Error::Contract("a rule of the tables forbids it".to_owned())
            }
            code => Error::Unavailable(format!("use the database ({code:?}, {})", failure.extended_code)),
        },
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
            Error::integrity("a column does not hold what belongs there".to_owned())
        }
        _ => Error::Unavailable("use the database".to_owned()),
    }
}
