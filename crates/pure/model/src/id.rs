//! Typed ids (contract 1.2): a prefix, `_`, and a lowercase hyphenated UUID v4.
//!
//! An id is made from 16 bytes that the caller brings (this crate draws none). Parsing takes the whole string in
//! exact case. The *key form*, used inside hashes, is the bare UUID.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// A text that is not an id of the expected kind; answered as `INVALID_ID` before any lookup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct InvalidId {
    /// What was given, as it was given.
    pub text: String,
    /// What would have been right, with its article.
    pub expected: &'static str,
}

pub(crate) fn invalid(text: &str, expected: &'static str) -> InvalidId {
    InvalidId { text: text.to_owned(), expected }
}

/// Reads a lowercase hyphenated UUID v4 in exactly its canonical spelling.
fn parse_uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (uuid.hyphenated().encode_lower(&mut buffer) == text && uuid.get_version_num() == 4).then_some(uuid)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal, $expected:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the text form, with its underscore.
            pub const PREFIX: &'static str = concat!($prefix, "_");

            /// Makes an id from 16 bytes of chance; the version and variant bits of a UUID v4 are set.
            pub fn from_random(bytes: [u8; 16]) -> Self {
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// Reads the text form, prefix included.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let uuid = text.strip_prefix(Self::PREFIX).and_then(parse_uuid);
                uuid.map(Self).ok_or_else(|| invalid(text, $expected))
            }

            /// Reads the key form (a bare UUID).
            pub fn parse_key(text: &str) -> Result<Self, InvalidId> {
                parse_uuid(text).map(Self).ok_or_else(|| invalid(text, $expected))
            }

            /// The bare UUID, as it enters hashes.
            pub fn key(&self) -> String {
                self.0.hyphenated().to_string()
            }

            /// The 16 bytes of the UUID, as they are stored.
            pub fn bytes(&self) -> [u8; 16] {
                *self.0.as_bytes()
            }

            /// Reads the 16 stored bytes; anything but a UUID v4 is refused.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
                let uuid = Uuid::from_slice(bytes).ok().filter(|uuid| uuid.get_version_num() == 4);
                uuid.map(Self).ok_or_else(|| invalid("(stored bytes)", $expected))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(Self::PREFIX)?;
                formatter.write_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        // A ledger writes a dozen of them an entry: no formatter between the bytes and their text.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                const LENGTH: usize = $name::PREFIX.len() + uuid::fmt::Hyphenated::LENGTH;
                let mut text = [0; LENGTH];
                let (prefix, uuid) = text.split_at_mut(Self::PREFIX.len());
                prefix.copy_from_slice(Self::PREFIX.as_bytes());
                self.0.hyphenated().encode_lower(uuid);
                serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A tenant; the installation itself is one too (the platform tenant).
    TenantId, "ten", "a tenant id (`ten_` and a lowercase UUID v4)";
    /// A project of a tenant.
    ProjectId, "prj", "a project id (`prj_` and a lowercase UUID v4)";
    /// An environment of a project.
    EnvironmentId, "env", "an environment id (`env_` and a lowercase UUID v4)";
    /// A principal: a user, service account, worker or plugin.
    PrincipalId, "prn", "a principal id (`prn_` and a lowercase UUID v4)";
    /// A plan, under all its versions.
    PlanId, "plan", "a plan id (`plan_` and a lowercase UUID v4)";
    /// A ledger of a tenant.
    LedgerId, "led", "a ledger id (`led_` and a lowercase UUID v4)";
    /// A run, minted at admission.
    RunId, "run", "a run id (`run_` and a lowercase UUID v4)";
    /// A run event, drawn at the first append of its idempotency key.
    EventId, "evt", "an event id (`evt_` and a lowercase UUID v4)";
    /// A ledger entry.
    EntryId, "ent", "an entry id (`ent_` and a lowercase UUID v4)";
    /// An authorization decision or decision record.
    DecisionId, "dec", "a decision id (`dec_` and a lowercase UUID v4)";
    /// One request, from its arrival to its answer.
    RequestId, "req", "a request id (`req_` and a lowercase UUID v4)";
    /// A ledger block; its id makes a repeated append harmless.
    BlockId, "blk", "a block id (`blk_` and a lowercase UUID v4)";
    /// A wrapped key.
    KeyId, "key", "a key id (`key_` and a lowercase UUID v4)";
    /// A blob in the blob store.
    BlobId, "blob", "a blob id (`blob_` and a lowercase UUID v4)";
}

/// 48 bits of a moment, then chance. Still a UUID v4 in form; what lies in the order of these ids lies in the order of time, so an
/// index over them grows at its end and a new one costs no page of its own there.
fn of_its_time(moment: crate::time::Timestamp, mut chance: [u8; 16]) -> [u8; 16] {
    let [_, _, time @ ..] = moment.ms().to_be_bytes();
    if let Some(begin) = chance.first_chunk_mut() {
        *begin = time;
    }
    chance
}

/// 32 bits of a moment, so turned that people can tell such ids by their first digits, then chance. Still a UUID v4 in form.
/// Those of one minute (2^16 ms) lie side by side, in the order of time, so an index over them grows in one place at a time; the
/// minutes themselves lie scattered, and each begins with digits of its own.
fn of_its_minute(moment: crate::time::Timestamp, mut chance: [u8; 16]) -> [u8; 16] {
    /// Odd, so that no two of the 65,536 minutes meet; near the golden section, so that neighbours lie far apart.
    const SCATTER: u16 = 40_503;
    let [_, _, _, _, minute @ .., high, low] = moment.ms().to_be_bytes();
    let [first, second] = u16::from_be_bytes(minute).wrapping_mul(SCATTER).to_be_bytes();
    if let Some(begin) = chance.first_chunk_mut() {
        *begin = [first, second, high, low];
    }
    chance
}

/// Ids that are made at a moment, each so that those of one time lie together where they are kept.
macro_rules! made_at {
    ($($(#[$doc:meta])* $name:ident, $laid:path;)*) => {$(
        impl $name {
            $(#[$doc])*
            pub fn at(moment: crate::time::Timestamp, chance: [u8; 16]) -> Self {
                Self::from_random($laid(moment, chance))
            }
        }
    )*};
}

made_at! {
    /// Made at a moment, which the run tells beside it.
    RunId, of_its_minute;
    /// Made at a moment; a run that is asked for without an id of its own is kept under this one.
    RequestId, of_its_minute;
    /// Made at a moment, which the entry tells beside it.
    DecisionId, of_its_minute;
    /// Made at a moment.
    BlockId, of_its_time;
    /// Made at a moment, which stands beside it wherever it is kept.
    KeyId, of_its_time;
}

/// Ids that people choose. They are copied far more often than made, so their text is shared.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $check:path, $stored:path, $expected:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) Arc<str>);

        impl $name {
            /// Reads and checks the text.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if $check(text) { Ok(Self(text.into())) } else { Err(invalid(text, $expected)) }
            }

            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// As [`Self::parse`], and the text is shared.
        impl TryFrom<Arc<str>> for $name {
            type Error = InvalidId;

            fn try_from(text: Arc<str>) -> Result<Self, InvalidId> {
                if $check(&text) { Ok(Self(text)) } else { Err(invalid(&text, $expected)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let fits = $stored(&text);
                if fits { Ok(Self(text.into())) } else { Err(serde::de::Error::custom(invalid(&text, $expected))) }
            }
        }
    )*};
}

/// `^[A-Za-z][A-Za-z0-9_-]{0,63}$`
pub(crate) fn is_step_or_plan_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// `^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`
fn is_client_chosen(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}

names! {
    /// A step of a plan.
    StepId, is_step_or_plan_name, crate::step::is_place, "a step id (a letter, then up to 63 letters, digits, `_` or `-`)";
    /// The name of a plan, unique in its project.
    PlanName, is_step_or_plan_name, is_step_or_plan_name, "a plan name (a letter, then up to 63 letters, digits, `_` or `-`)";
    /// A start request's id, chosen by the client: the same id in the same scope and plan is the same run.
    RunRequestId, is_client_chosen, is_client_chosen, "a request id (a letter or digit, then up to 127 of letters, digits, `.`, `_`, `:`, `-`)";
    /// A signal's id, chosen by the client: the same id is the same signal.
    SignalId, is_client_chosen, is_client_chosen, "a signal id (a letter or digit, then up to 127 of letters, digits, `.`, `_`, `:`, `-`)";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_from_its_three_forms() {
        let run = RunId::from_random([7; 16]);
        assert_eq!(run.to_string(), "run_07070707-0707-4707-8707-070707070707");
        assert_eq!(RunId::parse(&run.to_string()), Ok(run));
        assert_eq!(RunId::parse_key(&run.key()), Ok(run));
        assert_eq!(RunId::from_bytes(&run.bytes()), Ok(run));
    }

    #[test]
    fn a_block_id_is_of_its_time_and_of_chance() {
        let at = |ms, byte| BlockId::at(crate::time::Timestamp::from_ms(ms), [byte; 16]);
        assert_eq!(at(0x0190_b2c4_7b1a, 7).to_string(), "blk_0190b2c4-7b1a-4707-8707-070707070707");
        assert_eq!(BlockId::parse(&at(1, 255).to_string()), Ok(at(1, 255)));
        assert!(at(1_790_000_000_000, 255) < at(1_790_000_000_001, 0));
        assert_ne!(at(1, 7), at(1, 8));
    }

    #[test]
    fn a_run_id_is_of_its_minute_and_each_minute_has_digits_of_its_own() {
        let at = |ms, byte| RunId::at(crate::time::Timestamp::from_ms(ms), [byte; 16]);
        const MINUTE: i64 = 1 << 16;
        let now = 27_313_000 * MINUTE;
        assert_eq!(at(now + 0x7b1a, 7).to_string(), "run_2b587b1a-0707-4707-8707-070707070707");
        assert_eq!(RunId::parse(&at(now, 255).to_string()), Ok(at(now, 255)));
        assert!(at(now, 255) < at(now + 1, 0) && at(now + 1, 255) < at(now + MINUTE - 1, 0));
        assert_ne!(at(now, 7), at(now, 8));
        let minutes: std::collections::BTreeSet<_> =
            (0..1 << 16).map(|minute| at(now + minute * MINUTE, 7)).collect();
        assert_eq!(minutes.len(), 1 << 16, "no two minutes of seven weeks lie in the same place");
        let digits = |minute| at(now + minute * MINUTE, 7).to_string()[4..6].to_owned();
        assert!((0..20).all(|minute| digits(minute) != digits(minute + 1)), "neighbours differ at once");
    }

    #[test]
    fn other_spellings_are_refused() {
        let good = RunId::from_random([7; 16]).to_string();
        for wrong in [
            "".to_owned(),
            good.to_uppercase(),
            good.replace('-', ""),
            format!(" {good}"),
            format!("{good}\n"),
            good.replace("run_", "ten_"),
            good.replace("-4707", "-1707"),
            good.replace("run_", ""),
        ] {
            assert!(RunId::parse(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn names_follow_their_patterns() {
        for good in ["a", "Z9", "load-orders_2", &"a".repeat(64)] {
            assert!(StepId::parse(good).is_ok(), "{good}");
        }
        for wrong in ["", "9a", "-a", "a.b", "a b", "ä", &"a".repeat(65), "a\n"] {
            assert!(StepId::parse(wrong).is_err(), "{wrong}");
        }
        assert!(RunRequestId::parse("nightly:2026-01-01.1").is_ok());
        assert!(RunRequestId::parse("_x").is_err());
    }
}
