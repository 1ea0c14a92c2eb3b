//! Where test data lies: `DVT_TEST_DATA`. A clone without it skips by name; in CI its absence is a failure.

use flate2::read::GzDecoder;
use serde_json::Value;
use std::io::Read as _;
use std::path::PathBuf;

/// The folder, or `None` after saying so.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("DVT_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "DVT_TEST_DATA is not set in CI");
        println!("skipped: DVT_TEST_DATA is not set");
    }
    folder
}

/// A gzipped JSON file.
pub(crate) fn json_gz(path: &str) -> Option<Value> {
    let mut text = String::new();
    let file = std::fs::File::open(folder()?.join(path)).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}
