//! The canonical form (RFC 8785, JSON Canonicalization Scheme) and the only way in which foreign JSON becomes a value.
//!
//! Values enter state through their canonical form, so that a live value and a replayed one are the same: `1.0` becomes
//! `1`, `-0` becomes `0`. Integers beyond 2^53 are refused, for they would not survive a reader that uses doubles; so is a
//! double that the form writes as such an integer (`1e16`), or what was written would not be read again.

mod direct;
mod length;

pub use length::length;

use serde::de::{self, Deserialize, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The largest integer that every JSON reader keeps: 2^53.
pub const MAX_INTEGER: u64 = 1 << 53;
/// From here on a double is written with an exponent, however it came.
const FIRST_WITH_EXPONENT: f64 = 1e21;
/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 128;

/// Why a text is no value of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not JSON, or JSON with a repeated key.
    #[error("{0}")]
    Syntax(String),
    /// An integer beyond 2^53, or a double that is written as one.
    #[error("the integer `{0}` is beyond 2^53; send it as a string")]
    IntegerTooLarge(String),
    /// A number that is not finite.
    #[error("the number is not finite")]
    NotFinite,
    /// Nested too deep.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Parses JSON text; refuses repeated keys, integers beyond 2^53 and deep nesting, and normalises numbers.
pub fn parse(text: &[u8]) -> Result<Value, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict.deserialize(&mut deserializer).map_err(|error| Error::Syntax(error.to_string()))?;
    deserializer.end().map_err(|error| Error::Syntax(error.to_string()))?;
    normalise(value)
}

/// Brings numbers to their canonical form (1.0 to 1, -0 to 0) and checks the bounds of [`parse`].
pub fn normalise(value: Value) -> Result<Value, Error> {
    normalise_at(value, 0)
}

fn normalise_at(value: Value, depth: usize) -> Result<Value, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::TooDeep);
    }
    Ok(match value {
        Value::Number(number) => Value::Number(normalise_number(&number)?),
        Value::Array(items) => Value::Array(
            items.into_iter().map(|item| normalise_at(item, depth + 1)).collect::<Result<_, _>>()?,
        ),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, item)| Ok((key, normalise_at(item, depth + 1)?)))
                .collect::<Result<Map<_, _>, Error>>()?,
        ),
        plain @ (Value::Null | Value::Bool(_) | Value::String(_)) => plain,
    })
}

fn normalise_number(number: &Number) -> Result<Number, Error> {
    if number.as_u64().is_some_and(|value| value <= MAX_INTEGER)
        || number.as_i64().is_some_and(|value| value.unsigned_abs() <= MAX_INTEGER)
    {
        return Ok(number.clone());
    }
    if number.is_u64() || number.is_i64() {
        return Err(Error::IntegerTooLarge(number.to_string()));
    }
    let value = number.as_f64().filter(|value| value.is_finite()).ok_or(Error::NotFinite)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "checked to be integral and small"
    )]
    if value.fract() == 0.0 && value.abs() <= MAX_INTEGER as f64 {
        return Ok(Number::from(value as i64));
    }
    if value.fract() == 0.0 && value.abs() < FIRST_WITH_EXPONENT {
        return Err(Error::IntegerTooLarge(ryu_js::Buffer::new().format_finite(value).to_owned()));
    }
    Number::from_f64(value).ok_or(Error::NotFinite)
}

/// The canonical bytes of a value (RFC 8785): keys in UTF-16 order, ECMAScript numbers, no white space.
pub fn to_bytes(value: &Value) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(256);
    write(value, &mut out, 0)?;
    Ok(out)
}

/// The canonical bytes of anything that serializes: in one pass, and through a value where that is not enough.
pub fn of<T: serde::Serialize + ?Sized>(item: &T) -> Result<Vec<u8>, Error> {
    match direct::to_bytes(item) {
        Ok(bytes) => Ok(bytes),
        Err(direct::Fault::Refused(error)) => Err(error),
        Err(direct::Fault::General) => {
            to_bytes(&serde_json::to_value(item).map_err(|error| Error::Syntax(error.to_string()))?)
        }
    }
}

fn write(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::TooDeep);
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_string(text, out)?,
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out, depth + 1)?;
            }
            out.push(b']');
        }
        Value::Object(map) => {
            // The map is in byte order, which for ASCII is the order of UTF-16.
            if map.keys().all(|key| key.is_ascii()) {
                return write_object(map.iter(), out, depth);
            }
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
            write_object(entries.into_iter(), out, depth)?;
        }
    }
    Ok(())
}

fn write_object<'a>(
    entries: impl Iterator<Item = (&'a String, &'a Value)>,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Error> {
    out.push(b'{');
    for (index, (key, item)) in entries.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(key, out)?;
        out.push(b':');
        write(item, out, depth + 1)?;
    }
    out.push(b'}');
    Ok(())
}

/// Whether a text is printable ASCII without quote and backslash, so that it stands for itself. Looks at eight bytes at a time: most
/// texts are keys and ids, too short for more.
fn is_plain(text: &str) -> bool {
    let is_one = |byte: &u8| (b' '..=b'~').contains(byte) & (*byte != b'"') & (*byte != b'\\');
    let (eights, rest) = text.as_bytes().as_chunks();
    eights.iter().all(|eight| are_plain(u64::from_le_bytes(*eight))) && rest.iter().all(is_one)
}

/// The same of eight bytes: the top bit of a byte is set in `odd` where there is one that is not plain.
fn are_plain(eight: u64) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const TOPS: u64 = ONES << 7;
    let each = |byte: u8| ONES * u64::from(byte);
    // Where a byte is below the other, taking that away borrows into its top bit, which it had not.
    let below = |bytes: u64, other: u8| bytes.wrapping_sub(each(other)) & !bytes;
    let odd = below(eight, b' ')
        | eight
        | eight.wrapping_add(ONES)
        | below(eight ^ each(b'"'), 1)
        | below(eight ^ each(b'\\'), 1);
    odd & TOPS == 0
}

/// serde_json's string escapes are those of RFC 8785: the two-character forms, else `\u00xx` in lowercase.
fn write_string(text: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    if is_plain(text) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return Ok(());
    }
    serde_json::to_writer(out, text).map_err(|error| Error::Syntax(error.to_string()))
}

fn write_number(number: &Number, out: &mut Vec<u8>) -> Result<(), Error> {
    let normal = normalise_number(number)?;
    match (normal.is_f64(), normal.as_f64()) {
        (true, Some(value)) => out.extend_from_slice(ryu_js::Buffer::new().format_finite(value).as_bytes()),
        _ => out.extend_from_slice(normal.to_string().as_bytes()),
    }
    Ok(())
}

/// Reads any JSON value and refuses repeated keys.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Strict)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("the number is not finite"))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(Strict)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(de::Error::custom(format!("the key `{key}` is repeated")));
            }
        }
        Ok(Value::Object(map))
    }
}

/// Reads a typed request or document strictly: canonical rules first, then the type's own.
pub fn read<T: for<'de> Deserialize<'de>>(text: &[u8]) -> Result<T, Error> {
    serde_json::from_value(parse(text)?).map_err(|error| Error::Syntax(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        String::from_utf8(to_bytes(&parse(text.as_bytes()).unwrap()).unwrap()).unwrap()
    }

    /// Every byte of ASCII at every place of eight, and whatever begins another character, beside plain and odd neighbours.
    #[test]
    fn eight_bytes_are_plain_where_each_of_them_is() {
        let is_one = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
        for neighbour in [b' ', b'a', b'~', 0x7f, 0x1f, b'"', 0, 0xff] {
            for place in 0..8 {
                for byte in 0..=u8::MAX {
                    let mut eight = [neighbour; 8];
                    eight[place] = byte;
                    let expected = eight.into_iter().all(is_one);
                    assert_eq!(are_plain(u64::from_le_bytes(eight)), expected, "{eight:?}");
                }
            }
        }
        assert!(is_plain("0123456789abc~ ") && !is_plain("0123456789abc\\") && !is_plain("0123456é"));
    }

    #[test]
    fn the_examples_of_rfc_8785() {
        let text = r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        assert_eq!(
            canonical(text),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        let order = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        assert_eq!(
            canonical(order),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}"
        );
    }

    /// A text that stands for itself is written without looking for escapes; which ones do, serde_json knows.
    #[test]
    fn every_character_is_written_as_serde_json_writes_it() {
        for code in (0..=0x2ff).chain([0x2028, 0x2029, 0xfffd, 0x1f600]) {
            let Some(one) = char::from_u32(code) else { continue };
            for text in [
                one.to_string(),
                format!("before{one}"),
                format!("{one}behind"),
                "x".repeat(70) + &one.to_string(),
            ] {
                let mut written = Vec::new();
                write_string(&text, &mut written).unwrap();
                assert_eq!(written, serde_json::to_vec(&text).unwrap(), "{code:#x}");
                assert_eq!(is_plain(&text), written.len() == text.len() + 2 && code < 0x7f, "{code:#x}");
            }
        }
    }

    #[test]
    fn numbers_meet_in_one_form() {
        assert_eq!(canonical("[1.0,-0,-0.0,1e2,9007199254740992,0.1]"), "[1,0,0,100,9007199254740992,0.1]");
        assert_eq!(parse(b"1.0"), parse(b"1"));
    }

    /// What is written is read again as the same value: no double is written as an integer that is refused.
    #[test]
    fn what_is_written_is_read_again() {
        let mut kept = 0;
        for exponent in -1_074..1_024 {
            for factor in [1.0, 1.5, -1.0, 1.0 + f64::EPSILON] {
                let value = Value::from(factor * 2_f64.powi(exponent));
                let Ok(bytes) = to_bytes(&value) else { continue };
                let again = parse(&bytes).unwrap_or_else(|error| panic!("{value}: {error}"));
                assert_eq!(again, normalise(value).unwrap());
                assert_eq!(to_bytes(&again).unwrap(), bytes);
                kept += 1;
            }
        }
        assert_eq!(
            canonical("[1e21,-1e22,9007199254740992.0,1e300]"),
            "[1e+21,-1e+22,9007199254740992,1e+300]"
        );
        assert!(kept > 8_000, "{kept}");
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(parse(b"9007199254740993"), Err(Error::IntegerTooLarge("9007199254740993".to_owned())));
        for (text, told) in [
            ("1e16", "10000000000000000"),
            ("-9007199254740994.0", "-9007199254740994"),
            ("100000000000000000000", "100000000000000000000"),
            ("999999999999999900000.0", "999999999999999900000"),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(Error::IntegerTooLarge(told.to_owned())), "{text}");
        }
        assert!(matches!(parse(br#"{"a":1,"a":2}"#), Err(Error::Syntax(_))));
        assert!(matches!(parse(b"1e999"), Err(Error::Syntax(_))));
        assert!(matches!(parse(b"[1] 2"), Err(Error::Syntax(_))));
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    /// Expressions and digests rest on it: no dependency may switch serde_json to insertion order.
    #[test]
    fn objects_iterate_in_byte_order() {
        let value = parse(br#"{"b":1,"a":2}"#).unwrap();
        assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), ["a", "b"]);
    }
}
