//! The canonical form in one pass: a serializer that writes the bytes as it is told of them, and sorts each object when it ends.
//!
//! No value is built between a type and its bytes, which is what an append spent most of its time on. Surprising: it does not
//! try to know everything. What it leaves to the general way (floats, keys that are not plain ASCII, repeated keys) it says
//! so, and the general way alone decides.

/// What is left to the general way.
macro_rules! general {
    ($($name:ident($($kind:ty),*) -> $ok:ty;)*) => {$(
        fn $name(self, $(_: $kind),*) -> Result<$ok, Fault> {
            Err(Fault::General)
        }
    )*};
}

mod key;
#[cfg(test)]
mod tests;
mod value;

use super::{Error, MAX_DEPTH, is_plain};
use serde::Serialize;
use serde::ser;
use std::fmt;

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
    // Room for an ordinary envelope, which is what most of it is asked for.
    let mut writer = Writer {
        out: Vec::with_capacity(1_024),
        entries: Vec::with_capacity(64),
        sorting: Vec::with_capacity(1_024),
        ..Writer::default()
    };
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
        if !is_plain(key) {
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
