//! The reversible encodings in which a value is searched for.
//!
//! Base64 has three alignments: where a value stands inside a longer encoded text, its first and last letters depend
//! on its neighbours, so only the letters between are searched for, in the standard and in the URL alphabet.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::BTreeSet;

/// Encoded forms shorter than this are found everywhere and would mask innocent text.
const SHORTEST_ENCODED: usize = 8;

/// All forms of a value, itself included, without repeats.
pub(crate) fn of(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    forms.insert(value.to_vec());
    let mut add = |form: Vec<u8>| {
        if form.len() >= SHORTEST_ENCODED {
            forms.insert(form);
        }
    };
    for shift in 0..3 {
        add(base64_inside(value, shift, &STANDARD_NO_PAD));
        add(base64_inside(value, shift, &URL_SAFE_NO_PAD));
    }
    add(hex(value, b"0123456789abcdef"));
    add(hex(value, b"0123456789ABCDEF"));
    for plus in [false, true] {
        add(percent(value, b"0123456789ABCDEF", plus));
        add(percent(value, b"0123456789abcdef", plus));
    }
    if let Ok(text) = std::str::from_utf8(value) {
        for slash in [false, true] {
            for ascii in [false, true] {
                let escaped = json_escaped(text, slash, ascii);
                // JSON inside JSON: a log line that quotes an answer.
                add(json_escaped(&escaped, false, false).into_bytes());
                add(escaped.into_bytes());
            }
        }
    }
    forms
}

/// The letters that do not depend on what stands before (`shift` bytes) and behind.
fn base64_inside(value: &[u8], shift: usize, engine: &impl Engine) -> Vec<u8> {
    let mut padded = vec![0; shift];
    padded.extend_from_slice(value);
    let sure = padded.len() * 8 / 6;
    let first = (shift * 8).div_ceil(6);
    let text = engine.encode(&padded).into_bytes();
    text.get(first..sure).unwrap_or_default().to_vec()
}

fn hex(value: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    let digit = |nibble: u8| digits.get(usize::from(nibble)).copied().unwrap_or(b'0');
    value.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// RFC 3986: everything but the unreserved letters; `plus` writes a space as `+`, as forms do.
fn percent(value: &[u8], digits: &[u8; 16], plus: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() * 3);
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else if plus && byte == b' ' {
            out.push(b'+');
        } else {
            out.push(b'%');
            out.extend(hex(&[byte], digits));
        }
    }
    out
}

fn json_escaped(text: &str, slash: bool, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '/' if slash => out.push_str("\\/"),
            control if u32::from(control) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            wide if ascii && !wide.is_ascii() => {
                let mut units = [0; 2];
                wide.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
            }
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_inside_a_longer_base64_text_is_one_of_the_forms() {
        let value = b"s3cr3t/value+1?>";
        let forms = of(value);
        for before in 0..6 {
            for after in 0..6 {
                let text = [vec![b'<'; before], value.to_vec(), vec![b'>'; after]].concat();
                for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let bytes = encoded.as_bytes();
                    let found =
                        forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form));
                    assert!(found, "{before} {after} {encoded}");
                }
            }
        }
    }

    #[test]
    fn the_other_forms() {
        let forms = of("a \"b\"/ü".as_bytes());
        for form in [
            "a \"b\"/ü",
            "61202262222fc3bc",
            "a%20%22b%22%2F%C3%BC",
            "a+%22b%22%2f%c3%bc",
            "a \\\"b\\\"/ü",
            "a \\\"b\\\"\\/\\u00fc",
            "a \\\\\\\"b\\\\\\\"/ü",
        ] {
            assert!(forms.contains(form.as_bytes()), "{form}");
        }
    }
}
