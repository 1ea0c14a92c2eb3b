//! SQLite: one file per tenant and a control database. Nothing of the driver leaves this crate.

pub(crate) mod column;
pub(crate) mod connect;
pub(crate) mod file;
pub(crate) mod immediate;
pub(crate) mod lanes;
pub(crate) mod look;
pub(crate) mod schema;

use crate::port::error::Error;
use dvt_model::fault::DISK_IS_FULL;
use rusqlite::{ErrorCode, ffi};

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

/// What cannot be done, in words that are no driver's; what is left without any has its number.
fn unable(code: ErrorCode, extended: i32) -> String {
    match code {
        // The index of a log has no size yet where the disk has no room for it.
        ErrorCode::DiskFull => format!("write: {DISK_IS_FULL}"),
        ErrorCode::SystemIoFailure if extended == ffi::SQLITE_IOERR_SHMSIZE => {
            format!("write: {DISK_IS_FULL}")
        }
        ErrorCode::SystemIoFailure => format!("reach its file: the disk refuses it (fault {extended})"),
        ErrorCode::ReadOnly => "write: its file takes no changes".to_owned(),
        ErrorCode::CannotOpen => "open its file".to_owned(),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            "use its file: another process keeps it busy".to_owned()
        }
        ErrorCode::OutOfMemory => "work: there is no memory left".to_owned(),
        ErrorCode::OperationInterrupted => "end this: it took too long".to_owned(),
        _ => format!("use its file (fault {extended})"),
    }
}

/// Our error for the driver's. Statement texts and values stay out of it.
pub(crate) fn fault(error: &rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Error::NotFound,
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                Error::integrity("the database file is damaged".to_owned())
            }
            ErrorCode::ConstraintViolation => Error::Contract("a rule of the tables forbids it".to_owned()),
            code => Error::Unavailable(unable(code, failure.extended_code)),
        },
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
            Error::integrity("a column does not hold what belongs there".to_owned())
        }
        _ => Error::Unavailable("use its file".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the driver says, no word of its own comes out, and a full disk is called that.
    #[test]
    fn no_word_of_the_driver_is_told() {
        let told = |extended: i32| {
            fault(&rusqlite::Error::SqliteFailure(ffi::Error::new(extended), None)).to_string()
        };
        for full in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE] {
            assert_eq!(told(full), "the store cannot write: the disk is full");
        }
        for code in 1..=28 {
            for extended in [code, code | (1 << 8), code | (3 << 8)] {
                let told = told(extended);
                let word = format!("{:?}", ffi::Error::new(extended).code);
                assert!(!told.contains(&word) && !told.to_lowercase().contains("sqlite"), "{told}");
            }
        }
        assert!(!told(ffi::SQLITE_IOERR_WRITE).contains(DISK_IS_FULL), "control");
    }
}
