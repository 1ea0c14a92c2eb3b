//! The canonical form in one pass: a serializer that writes the bytes as it is told of them, and sorts each object when it ends.
//!
//! No value is built between a type and its bytes, which is what an append spent most of its time on. Surprising: it does not
//! try to know everything. What it leaves to the general way (floats, keys that are not plain ASCII, repeated keys) it says
//! so, and the general way alone decides.

use super::{Error, MAX_DEPTH, MAX_INTEGER, write_string};
use serde::Serialize;
use serde::ser::{self, Serializer};
use std::fmt::{self, Write as _};

/// Why there are no bytes.
pub(super) enum Fault {
    /// The general way decides.
    General,
    /// It has no canonical form.
    Refused(Error),
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::General => formatter.write_str("left to the general way"),
            Self::Refused(error) => fmt::Display::fmt(error, formatter),
        }
    }
}

impl std::error::Error for Fault {}

impl ser::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Refused(Error::Syntax(message.to_string()))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The canonical bytes.
pub(super) fn to_bytes<T: Serialize + ?Sized>(item: &T) -> Result<Vec<u8>, Fault> {
    let mut writer = Writer { out: Vec::with_capacity(1_024), ..Writer::default() };
    item.serialize(&mut writer)?;
    Ok(writer.out)
}

/// An entry of an object that is being written: where its key begins, where that ends, and where its value does.
#[derive(Clone, Copy)]
struct Entry {
    key: usize,
    colon: usize,
    end: usize,
}

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    depth: usize,
    /// Of all objects that are open, the inner ones last.
    entries: Vec<Entry>,
    /// Where an object is put in order.
    sorting: Vec<u8>,
    text: String,
}

impl Writer {
    fn open(&mut self, with: u8) {
        self.out.push(with);
        self.depth += 1;
    }

    fn close(&mut self, with: u8) {
        self.out.push(with);
        self.depth -= 1;
    }

    /// A value follows within what is open.
    fn within(&self) -> Result<(), Fault> {
        if self.depth > MAX_DEPTH { Err(Error::TooDeep.into()) } else { Ok(()) }
    }

    /// Puts the entries from `base` on in order; they begin at `first`.
    fn sort(&mut self, base: usize, first: usize) -> Result<(), Fault> {
        let Self { out, entries, sorting, .. } = self;
        let key = |entry: &Entry| out.get(entry.key..entry.colon).unwrap_or_default();
        let rows = entries.get_mut(base..).unwrap_or_default();
        if rows.is_sorted_by(|left, right| key(left) < key(right)) {
            return Ok(());
        }
        rows.sort_unstable_by(|left, right| key(left).cmp(key(right)));
        if rows.iter().zip(rows.iter().skip(1)).any(|(left, right)| key(left) == key(right)) {
            return Err(Fault::General);
        }
        sorting.clear();
        for (place, entry) in rows.iter().enumerate() {
            if place > 0 {
                sorting.push(b',');
            }
            // The quote before the key belongs to it.
            sorting.extend_from_slice(out.get(entry.key - 1..entry.end).unwrap_or_default());
        }
        out.truncate(first);
        out.extend_from_slice(sorting);
        Ok(())
    }
}

/// An array that is being written.
struct Array<'a> {
    writer: &'a mut Writer,
    is_first: bool,
}

impl Array<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Fault> {
        if !std::mem::replace(&mut self.is_first, false) {
            self.writer.out.push(b',');
        }
        self.writer.within()?;
        item.serialize(&mut *self.writer)
    }
}

/// An object that is being written.
struct Object<'a> {
    writer: &'a mut Writer,
    base: usize,
    first: usize,
}

impl Object<'_> {
    fn key(&mut self, key: &str) -> Result<(), Fault> {
        if key.bytes().any(|byte| !(b' '..=b'~').contains(&byte) || byte == b'"' || byte == b'\\') {
            return Err(Fault::General);
        }
        self.writer.within()?;
        let out = &mut self.writer.out;
        if out.len() > self.first {
            out.push(b',');
        }
        out.push(b'"');
        let begin = out.len();
        out.extend_from_slice(key.as_bytes());
        self.writer.entries.push(Entry { key: begin, colon: out.len(), end: 0 });
        out.extend_from_slice(b"\":");
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(&mut *self.writer)?;
        let end = self.writer.out.len();
        if let Some(entry) = self.writer.entries.last_mut() {
            entry.end = end;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Fault> {
        self.writer.sort(self.base, self.first)?;
        self.writer.entries.truncate(self.base);
        self.writer.close(b'}');
        Ok(())
    }
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Array<'a>;
    type SerializeTuple = Array<'a>;
    type SerializeTupleStruct = Array<'a>;
    type SerializeTupleVariant = ser::Impossible<(), Fault>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = ser::Impossible<(), Fault>;

    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_i8(self, value: i8) -> Result<(), Fault> {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<(), Fault> {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<(), Fault> {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<(), Fault> {
        if value.unsigned_abs() > MAX_INTEGER {
            return Err(Error::IntegerTooLarge(value.to_string()).into());
        }
        if value < 0 {
            self.out.push(b'-');
        }
        self.serialize_u64(value.unsigned_abs())
    }
    fn serialize_u8(self, value: u8) -> Result<(), Fault> {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<(), Fault> {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<(), Fault> {
        self.serialize_u64(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<(), Fault> {
        if value > MAX_INTEGER {
            return Err(Error::IntegerTooLarge(value.to_string()).into());
        }
        self.text.clear();
        write!(self.text, "{value}").map_err(<Fault as ser::Error>::custom)?;
        self.out.extend_from_slice(self.text.as_bytes());
        Ok(())
    }
    fn serialize_f32(self, _: f32) -> Result<(), Fault> {
        Err(Fault::General)
    }
    fn serialize_f64(self, _: f64) -> Result<(), Fault> {
        Err(Fault::General)
    }
    fn serialize_char(self, value: char) -> Result<(), Fault> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        Ok(write_string(value, &mut self.out)?)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Fault> {
        Err(Fault::General)
    }
    fn serialize_none(self) -> Result<(), Fault> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Fault> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Fault> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Fault> {
        Err(Fault::General)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'a>, Fault> {
        self.open(b'[');
        Ok(Array { writer: self, is_first: true })
    }
    fn serialize_tuple(self, length: usize) -> Result<Array<'a>, Fault> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Array<'a>, Fault> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        Err(Fault::General)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, Fault> {
        self.open(b'{');
        let (base, first) = (self.entries.len(), self.out.len());
        Ok(Object { writer: self, base, first })
    }
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Object<'a>, Fault> {
        self.serialize_map(Some(length))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        Err(Fault::General)
    }
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Fault> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        write!(text, "{value}").map_err(<Fault as ser::Error>::custom)?;
        write_string(&text, &mut self.out)?;
        self.text = text;
        Ok(())
    }
}

impl ser::SerializeSeq for Array<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.item(value)
    }
    fn end(self) -> Result<(), Fault> {
        self.writer.close(b']');
        Ok(())
    }
}

impl ser::SerializeTuple for Array<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.item(value)
    }
    fn end(self) -> Result<(), Fault> {
        ser::SerializeSeq::end(self)
    }
}

impl ser::SerializeTupleStruct for Array<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.item(value)
    }
    fn end(self) -> Result<(), Fault> {
        ser::SerializeSeq::end(self)
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        key.serialize(Key(self))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.value(value)
    }
    fn end(self) -> Result<(), Fault> {
        self.finish()
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Fault> {
        self.key(key)?;
        self.value(value)
    }
    fn end(self) -> Result<(), Fault> {
        self.finish()
    }
}

/// A key of a map: a text, or left to the general way.
struct Key<'a, 'b>(&'a mut Object<'b>);

/// Whatever is no text.
macro_rules! general {
    ($($name:ident($($kind:ty),*) -> $ok:ty;)*) => {$(
        fn $name(self, $(_: $kind),*) -> Result<$ok, Fault> {
            Err(Fault::General)
        }
    )*};
}

type Never = ser::Impossible<(), Fault>;

impl Serializer for Key<'_, '_> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        self.0.key(value)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Fault> {
        self.0.key(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }
    general! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple(usize) -> Never;
        serialize_tuple_struct(&'static str, usize) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }
    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Fault> {
        Err(Fault::General)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Fault> {
        Err(Fault::General)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{of, to_bytes as general};
    use super::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    struct Inner {
        zulu: Option<u8>,
        alpha: &'static str,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    enum Word {
        OneWord,
        WithValue(u8),
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Outer {
        b_field: Vec<Word>,
        a_field: (i64, bool, char),
        #[serde(flatten)]
        inner: Option<Inner>,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u8>,
        map: BTreeMap<String, Value>,
        time: crate::time::Timestamp,
        float: Value,
    }

    fn outer(key: &str, float: Value, words: Vec<Word>) -> Outer {
        let map = [("b", json!({ "y": [], "x": {} })), (key, json!([1, -2, null, "\u{1}\"é"]))];
        Outer {
            b_field: words,
            a_field: (-9_007_199_254_740_992, true, 'ß'),
            inner: Some(Inner { zulu: Some(3), alpha: "a/b\n" }),
            absent: None,
            map: map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            time: crate::time::Timestamp::from_ms(1_790_000_000_007),
            float,
        }
    }

    fn is_general<T: Serialize>(item: &T) -> bool {
        matches!(to_bytes(item), Err(Fault::General))
    }

    /// Both ways give the same bytes, and the one pass decides alone wherever it is meant to.
    #[test]
    fn one_pass_and_the_general_way_agree() {
        for (key, float, words, leaves_it) in [
            ("a", json!(1), vec![Word::OneWord], false),
            ("", json!("1.5"), vec![], false),
            ("~ key", json!(null), vec![Word::OneWord], false),
            ("a", json!(1.5), vec![], true),
            ("é", json!(1), vec![], true),
            ("\"", json!(1), vec![], true),
            ("\u{7f}", json!(1), vec![], true),
            ("a", json!(1), vec![Word::WithValue(1)], true),
        ] {
            let item = outer(key, float, words);
            let value = serde_json::to_value(&item).unwrap();
            let text = String::from_utf8(of(&item).unwrap()).unwrap();
            assert_eq!(text, String::from_utf8(general(&value).unwrap()).unwrap());
            assert_eq!(is_general(&item), leaves_it, "{text}");
        }
        for value in [json!([]), json!({}), json!("x"), json!(0), json!([[1], {"a": [{}]}]), json!(true)] {
            assert_eq!(to_bytes(&value).unwrap(), general(&value).unwrap());
        }
    }

    #[test]
    fn what_a_type_says_twice_is_left_to_the_general_way() {
        #[derive(Serialize)]
        struct Twice {
            zulu: u8,
            #[serde(flatten)]
            inner: Inner,
        }
        let twice = Twice { zulu: 1, inner: Inner { zulu: Some(2), alpha: "" } };
        assert!(is_general(&twice));
        assert_eq!(of(&twice).unwrap(), br#"{"alpha":"","zulu":2}"#);
        assert!(is_general(&BTreeMap::from([(7u8, 1u8)])));
        assert_eq!(of(&BTreeMap::from([(7u8, 1u8)])).unwrap(), br#"{"7":1}"#);
    }

    #[test]
    fn bounds_are_those_of_the_general_way() {
        for number in [MAX_INTEGER, MAX_INTEGER + 1, u64::MAX] {
            assert_eq!(of(&number), general(&json!(number)), "{number}");
        }
        for number in [-(1i64 << 53), -(1i64 << 53) - 1, i64::MIN] {
            assert_eq!(of(&number), general(&json!(number)), "{number}");
        }
        let nested = |levels: usize| (0..levels).fold(json!(0), |inner, _| json!({ "a": [inner] }));
        for levels in [63, 64, 65] {
            let value = nested(levels);
            assert_eq!(of(&value), general(&value), "{levels}");
        }
        assert_eq!(of(&nested(65)), Err(Error::TooDeep));
        let empty = (0..MAX_DEPTH + 1).fold(json!([]), |inner, _| json!([inner]));
        assert_eq!(of(&empty), Err(Error::TooDeep));
        let least = (0..MAX_DEPTH).fold(json!([]), |inner, _| json!([inner]));
        assert_eq!(of(&least), general(&least));
    }
}
