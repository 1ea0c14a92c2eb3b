//! Why the operating system refused something, in words: the one place that words it, so that no message shows a number, a name of a
//! driver or the text of another language for it.

use std::io::{Error, ErrorKind};

/// What a full disk is called wherever one is met. Whoever shows a message that says so adds the way out.
pub const DISK_IS_FULL: &str = "the disk is full";

/// Why, as people say it.
pub fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        ErrorKind::PermissionDenied => "you may not".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        ErrorKind::NotADirectory => "a part of its path is no folder".to_owned(),
        ErrorKind::StorageFull => DISK_IS_FULL.to_owned(),
        ErrorKind::QuotaExceeded => "your quota of the disk is used up".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system takes no changes".to_owned(),
        ErrorKind::InvalidFilename => "the name is too long".to_owned(),
        _ if error.raw_os_error().is_some() => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_lowercase()
        }
        // Words of ours, which may name something.
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_of_the_system_is_shown() {
        const ENOSPC: i32 = 28;
        assert_eq!(reason(&Error::from_raw_os_error(ENOSPC)), DISK_IS_FULL);
        for number in 1..100 {
            let told = reason(&Error::from_raw_os_error(number));
            assert!(!told.is_empty() && !told.contains("os error"), "{number}: {told}");
        }
        assert_eq!(reason(&Error::other("`Orders` is no file")), "`Orders` is no file");
    }
}
