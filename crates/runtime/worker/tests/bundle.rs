//! Packing and unpacking: the same files are the same bytes, and nothing but a bundle is read as one.

use crate::harness::Case;
use dvt_model::digest::Digest;
use dvt_worker::bundle::{self, Entry, Error, pack, unpack};

pub(crate) const CASES: &[Case] = &[
    ("bundle::comes_back_and_does_not_depend_on_order", comes_back),
    ("bundle::climbing_and_doubled_paths_are_refused", paths_are_refused),
    ("bundle::every_changed_byte_is_seen", changed_bytes),
    ("bundle::a_header_that_lies_is_refused", lying_header),
    ("bundle::is_bounded", bounded),
];

fn entry(path: &str, content: &[u8]) -> Entry {
    Entry { path: path.into(), executable: path.ends_with(".sh"), content: content.to_vec() }
}

fn comes_back() {
    let files = [entry("b/c.txt", b"c"), entry("a.sh", b"#!/bin/sh\n"), entry("b-d", b""), entry("ä", b"x")];
    let (digest, bytes) = pack(files.to_vec()).unwrap();
    let mut sorted = files.to_vec();
    sorted.sort_by(|left, right| left.path.cmp(&right.path));
    assert_eq!(unpack(&bytes, &digest).unwrap(), sorted);
    assert_eq!(pack(files.iter().rev().cloned().collect()).unwrap(), (digest, bytes));
    let (digest, bytes) = pack(Vec::new()).unwrap();
    assert_eq!(bytes[4..], *b"{\"files\":[]}");
    assert_eq!(unpack(&bytes, &digest).unwrap(), []);
}

fn paths_are_refused() {
    for path in
        ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", "a/.", "a\0b", "a\nb", &"x".repeat(256)]
    {
        assert_eq!(pack(vec![entry(path, b"")]), Err(Error::Path(path.into())), "{path:?}");
    }
    for paths in [["a", "a"], ["a", "a/b"]] {
        let files = paths.map(|path| entry(path, b"")).to_vec();
        assert!(matches!(pack(files), Err(Error::Twice(_))), "{paths:?}");
    }
    // What sorts between a file and its would-be folder does not hide them from each other.
    let files = ["a", "a-x", "a/b"].map(|path| entry(path, b"")).to_vec();
    assert_eq!(pack(files), Err(Error::Twice("a/b".into())));
    assert!(pack(["a-", "a/b", "a/c", "a0"].map(|path| entry(path, b"")).to_vec()).is_ok());
}

fn changed_bytes() {
    let (digest, bytes) = pack(vec![entry("a.sh", b"one"), entry("b", b"two")]).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(unpack(&changed, &digest).is_err(), "byte {at}");
    }
    assert!(unpack(&bytes[..bytes.len() - 1], &digest).is_err());
    assert!(unpack(&[&bytes[..], b"x"].concat(), &digest).is_err());
    assert!(unpack(&[], &digest).is_err());
    assert!(unpack(&bytes, &digest).is_ok());
}

/// Whoever makes the digest can make any header: its paths, order and form are checked all the same.
fn lying_header() {
    let with_header = |header: &str, content: &[u8]| {
        let length = u32::try_from(header.len()).unwrap().to_be_bytes();
        let bytes = [&length[..], header.as_bytes(), content].concat();
        let digest = Digest::of(&bytes);
        (bytes, digest)
    };
    let file = |path: &str| {
        let sha256 = Digest::of(b"x").hex();
        format!(r#"{{"executable":false,"path":"{path}","sha256":"{sha256}","sizeBytes":1}}"#)
    };
    let honest = with_header(&format!(r#"{{"files":[{}]}}"#, file("a")), b"x");
    assert_eq!(unpack(&honest.0, &honest.1).unwrap(), [entry("a", b"x")]);
    for (header, content) in [
        (format!(r#"{{"files":[{}]}}"#, file("../a")), &b"x"[..]),
        (format!(r#"{{"files":[{},{}]}}"#, file("b"), file("a")), b"xx"),
        (format!(r#"{{"files":[{},{}]}}"#, file("a"), file("a")), b"xx"),
        (format!(r#"{{ "files":[{}]}}"#, file("a")), b"x"),
        (format!(r#"{{"files":[{}],"more":1}}"#, file("a")), b"x"),
        (format!(r#"{{"files":[{}]}}"#, file("a").replace(":1}", ":9007199254740992}")), b"x"),
    ] {
        let (bytes, digest) = with_header(&header, content);
        assert!(unpack(&bytes, &digest).is_err(), "{header}");
    }
}

fn bounded() {
    let large = Entry { path: "a".into(), executable: false, content: vec![0; bundle::MAX_BYTES] };
    assert!(matches!(pack(vec![large]), Err(Error::TooLarge(_))));
    let many = (0..=bundle::MAX_FILES).map(|number| entry(&number.to_string(), b"")).collect();
    assert_eq!(pack(many), Err(Error::TooMany(bundle::MAX_FILES + 1)));
}
