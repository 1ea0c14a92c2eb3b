//! Names under which SQLite knows us.

use crate::{Error, over};

#[test]
fn a_name_is_given_once_and_what_is_not_there_is_refused() {
    assert_eq!(over(None), Ok("dvt"));
    assert_eq!(over(Some("unix-none")), Ok("dvt+unix-none"));
    assert_eq!(over(Some("unix-none")), Ok("dvt+unix-none"));
    assert_eq!(over(Some("dvt")), Ok("dvt"), "not over ourselves");
    assert_eq!(over(Some("absent")), Err(Error::Unknown("absent".to_owned())));
    assert_eq!(over(Some("a\0b")), Err(Error::Unknown("a\0b".to_owned())));
    let plain = rusqlite::Connection::open_in_memory().unwrap();
    plain.execute_batch("SELECT 1").unwrap();
    assert!(
        rusqlite::Connection::open_with_flags_and_vfs(
            "x",
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
            "dvt+absent"
        )
        .is_err()
    );
}
