//! Files that were named on the command line: read up to a size, written whole and never over another one.

use crate::problem::Problem;
use dvt_model::code::Code;
pub(crate) use dvt_model::fault::reason;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

/// Reads a text of so many bytes at most, whatever the file says of its size.
pub(crate) fn read(path: &Path, most: u64) -> Result<String, Problem> {
    let bytes = read_bytes(path, most)?;
    String::from_utf8(bytes).map_err(|_| cannot("read", path, "it is no UTF-8 text"))
}

/// The same of any bytes.
pub(crate) fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| cannot("read", path, &reason(&error)))?;
    if bytes.len() as u64 > most {
        let most = if most >= 1 << 20 { format!("{} MiB", most >> 20) } else { format!("{most} bytes") };
        let message = format!("`{}` is larger than {most}", path.display());
        return Err(Problem::new(Code::PayloadTooLarge, message));
    }
    Ok(bytes)
}

/// Writes a new file, whole or not at all; one that is there stays what it is.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), Problem> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Problem::usage(format!("`{}` exists and is not written over", path.display()))
                .fix("name another file, or take that one away")
        }
        _ => cannot("written", path, &reason(&error)),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // It is ours, and half of it is nothing.
        let _gone = std::fs::remove_file(path);
        cannot("written", path, &reason(&error))
    })
}

fn cannot(verb: &str, path: &Path, reason: &str) -> Problem {
    Problem::usage(format!("`{}` cannot be {verb}: {reason}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), "12345");
        assert_eq!(read(&path, 4).unwrap_err().code, Code::PayloadTooLarge);
        assert_eq!(read(Path::new("/dev/zero"), 1 << 20).unwrap_err().code, Code::PayloadTooLarge);
        assert!(read(folder.path(), 5).unwrap_err().message.ends_with("it is a folder"));
        std::fs::write(&path, [0xff]).unwrap();
        assert!(read(&path, 5).unwrap_err().message.ends_with("it is no UTF-8 text"));
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_new(&path, "one").unwrap();
        assert!(write_new(&path, "two").unwrap_err().message.contains("is not written over"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        assert!(write_new(&folder.path().join("none/file"), "x").unwrap_err().message.contains("no such"));
    }
}
