//! INV-02 (scrubbing): no split of a stream hides a value, in any of its encodings; the control shows that the same
//! search finds every one of them where nothing is scrubbed.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use dvt_scrub::{MASK, MAX_CARRY, Scrubber};

const SECRET: &str = "hunter2/\"Pa ss\"+wörd";

fn forms() -> Vec<(&'static str, String)> {
    let hex = |upper: bool| {
        SECRET
            .bytes()
            .map(|b| if upper { format!("{b:02X}") } else { format!("{b:02x}") })
            .collect::<String>()
    };
    let percent = |space: &str, upper: bool| {
        let one = |b: u8| match b {
            b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
            b' ' => space.to_owned(),
            b if upper => format!("%{b:02X}"),
            b => format!("%{b:02x}"),
        };
        SECRET.bytes().map(one).collect::<String>()
    };
    let json = serde_json::to_string(SECRET).unwrap();
    let inner = json[1..json.len() - 1].to_owned();
    let ascii = inner.replace('ö', "\\u00f6");
    let nested = serde_json::to_string(&inner).unwrap();
    let nested = nested[1..nested.len() - 1].to_owned();
    vec![
        ("plain", SECRET.to_owned()),
        ("hex", hex(false)),
        ("HEX", hex(true)),
        ("base64", STANDARD.encode(SECRET)),
        ("base64url", URL_SAFE.encode(SECRET)),
        ("base64 after one byte", STANDARD.encode(format!("x{SECRET}yz"))),
        ("base64 after two bytes", STANDARD.encode(format!("xx{SECRET}y"))),
        ("percent", percent("%20", true)),
        ("percent, lower", percent("%20", false)),
        ("form", percent("+", true)),
        ("json", inner.clone()),
        ("json, slash escaped", inner.replace('/', "\\/")),
        ("json, ascii", ascii),
        ("json in json", nested),
    ]
}

/// What of a form must never be seen: its middle, for the ends of base64 belong to the neighbours.
fn core(name: &str, form: &str) -> Vec<u8> {
    let bytes = form.as_bytes();
    if name.starts_with("base64") { bytes[4..bytes.len() - 6].to_vec() } else { bytes.to_vec() }
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn scrubbed(scrubber: &Scrubber, chunks: &[&[u8]]) -> Vec<u8> {
    let mut stream = scrubber.stream();
    let mut out: Vec<u8> = chunks.iter().flat_map(|chunk| stream.push(chunk)).collect();
    out.extend(stream.finish());
    out
}

#[test]
fn exact_values_are_found_over_every_split() {
    let scrubber = Scrubber::new(&[SECRET]).unwrap();
    let nobody = Scrubber::rules();
    let mut splits = 0;
    for (name, form) in forms() {
        let core = core(name, &form);
        let text = format!("before {form} after\nnext line {form}\n");
        let text = text.as_bytes();
        for first in 0..text.len() {
            let (left, right) = text.split_at(first);
            let out = scrubbed(&scrubber, &[left, right]);
            assert!(!holds(&out, &core), "{name} split at {first}: {}", String::from_utf8_lossy(&out));
            assert!(holds(&out, b"before "), "{name}: what is no secret stays");
            assert!(holds(&out, b" after\nnext line "), "{name}: {}", String::from_utf8_lossy(&out));
            // Control: without the value nothing is hidden, and the same search sees it.
            assert!(holds(&scrubbed(nobody, &[left, right]), &core), "{name}: the control must see it");
            splits += 1;
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert!(!holds(&scrubbed(&scrubber, &bytes), &core), "{name} byte by byte");
    }
    println!("splits tried: {splits}, forms: {}", forms().len());
    assert!(splits > 500);
}

#[test]
fn values_of_several_lines_are_found_over_every_split() {
    let secret = "first line of it\nsecond\nthe third line";
    let scrubber = Scrubber::new(&[secret]).unwrap();
    let text = format!("a\n{secret}\nb\n");
    for first in 0..text.len() {
        let (left, right) = text.as_bytes().split_at(first);
        let out = scrubbed(&scrubber, &[left, right]);
        assert!(!holds(&out, b"second"), "split at {first}: {}", String::from_utf8_lossy(&out));
        assert!(out.starts_with(b"a\n") && out.ends_with(b"\nb\n"));
        assert!(holds(&scrubbed(Scrubber::rules(), &[left, right]), b"second"), "control");
    }
}

#[test]
fn a_private_key_is_masked_from_its_first_line_to_its_last() {
    let body = "MIIEowIBAAKCAQEAo3Y1XuUAQqp\n".repeat(20);
    let text = format!("log\n-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\nmore\n");
    for size in [1, 7, 64, 10_000] {
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let out = String::from_utf8(scrubbed(Scrubber::rules(), &chunks)).unwrap();
        assert_eq!(out, format!("log\n{MASK}\nmore\n"), "chunks of {size}");
    }
}

#[test]
fn an_endless_line_neither_grows_nor_leaks() {
    let scrubber = Scrubber::new(&["correct horse battery"]).unwrap();
    let mut text = vec![b'.'; 3 * MAX_CARRY];
    for at in [0, MAX_CARRY - 10, 2 * MAX_CARRY - 10, 3 * MAX_CARRY - 21] {
        text[at..at + 21].copy_from_slice(b"correct horse battery");
    }
    for size in [1, 1_000, MAX_CARRY, text.len()] {
        let chunks: Vec<&[u8]> = text.chunks(size).collect();
        let out = scrubbed(&scrubber, &chunks);
        assert!(!holds(&out, b"horse"), "chunks of {size}");
        assert_eq!(
            out.windows(MASK.len()).filter(|window| *window == MASK.as_bytes()).count(),
            4,
            "chunks of {size}"
        );
    }
}

#[test]
fn lines_leave_as_soon_as_they_are_whole() {
    let scrubber = Scrubber::new(&["correct horse battery"]).unwrap();
    let mut stream = scrubber.stream();
    assert_eq!(stream.push(b"one\ntw"), b"one\n");
    assert_eq!(stream.push(b"o\n"), b"two\n");
    assert_eq!(stream.finish(), b"");
}

#[test]
fn bytes_that_are_no_text_pass_untouched() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let chunks: Vec<&[u8]> = bytes.chunks(777).collect();
    assert_eq!(scrubbed(Scrubber::rules(), &chunks), bytes);
}

#[test]
fn short_and_huge_values() {
    assert!(Scrubber::new(&["abc"]).unwrap().find("abc").is_empty());
    assert!(Scrubber::new(&["x".repeat(dvt_scrub::LONGEST_VALUE + 1)]).is_err());
    let repeated = Scrubber::new(&["aaaa"]).unwrap();
    assert_eq!(repeated.scrub_line(&"a".repeat(100_000)), MASK);
}

#[test]
fn a_secret_that_reaches_into_the_first_line_of_a_key_is_masked_up_to_it() {
    let secret = "vT9-qUx_4417";
    let scrubber = Scrubber::new(&[secret]).unwrap();
    let mut stream = scrubber.stream();
    let mut out = stream.push(format!("Bearer {secret}-----BEGIN PRIVATE KEY-----\nabc\n").as_bytes());
    out.extend(stream.finish());
    assert!(!String::from_utf8(out).unwrap().contains(secret));
}

/// Whatever the borders of its chunks: as many masks are told as stand in what comes out.
#[test]
fn masks_are_counted_where_they_are_written() {
    let scrubber = Scrubber::new(&[SECRET]).unwrap();
    let key = ["-----BEGIN RSA PRIVATE", " KEY-----\nMIIB\n-----END RSA PRIVATE", " KEY-----\n"].concat();
    let text = format!("one {SECRET} two {SECRET}\nnone\n{key}end");
    for size in [1, 7, text.len()] {
        let (mut stream, mut out, mut masks) = (scrubber.stream(), Vec::new(), 0);
        for chunk in text.as_bytes().chunks(size) {
            out.extend(stream.push(chunk));
            masks += stream.take_masks();
        }
        out.extend(stream.rest());
        masks += stream.take_masks();
        let out = String::from_utf8(out).unwrap();
        assert_eq!((masks, out.matches(MASK).count()), (3, 3), "{size}: {out}");
        assert_eq!(stream.take_masks(), 0, "told once");
    }
}
