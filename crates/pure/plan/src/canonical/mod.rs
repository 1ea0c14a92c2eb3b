//! The canonical form of a checked document: what is stored, compared and digested.
//!
//! It is kept as its bytes (RFC 8785), which checking writes in one pass over the tree. Most who check a plan never look at it as a
//! value, and at fifty thousand steps a value costs more than reading them; so it is made when somebody asks for it.

mod normal;
mod write;

pub(crate) use normal::normalise;
pub(crate) use write::write;

use dvt_model::canonical;
use dvt_model::digest::Digest;
use serde_json::Value;
use std::sync::OnceLock;

/// Keys of a retry policy that are durations.
const RETRY: &[&str] = &["initial", "ceiling"];
/// Keys of a step's limits that are sizes.
const SIZES: &[&str] = &["memory", "output"];

/// A document in its canonical form.
#[derive(Debug, Clone)]
pub struct Document {
    bytes: Vec<u8>,
    value: OnceLock<Value>,
}

impl Document {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, value: OnceLock::new() }
    }

    /// Of a document that was stored. The error is why it has no canonical form.
    pub fn of(value: Value) -> Result<Self, canonical::Error> {
        Ok(Self { bytes: canonical::to_bytes(&value)?, value: OnceLock::from(value) })
    }

    /// Its bytes (RFC 8785).
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// The same as a value.
    pub fn value(&self) -> &Value {
        self.value.get_or_init(|| value_of(&self.bytes))
    }

    /// The same as a value.
    pub fn into_value(self) -> Value {
        self.value.into_inner().unwrap_or_else(|| value_of(&self.bytes))
    }

    /// The same with one more key.
    #[must_use]
    #[expect(clippy::expect_used, reason = "what was a canonical document is one with a text more")]
    pub fn with(self, key: &str, text: String) -> Self {
        let mut value = self.into_value();
        if let Some(members) = value.as_object_mut() {
            members.insert(key.to_owned(), Value::String(text));
        }
        let bytes = canonical::to_bytes(&value).expect("a text has a canonical form");
        Self { bytes, value: OnceLock::from(value) }
    }
}

#[expect(clippy::expect_used, reason = "these bytes were written here and by nobody else")]
fn value_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("canonical bytes are JSON")
}
