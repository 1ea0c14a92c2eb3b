//! Attempts (contract 4.7): the logical one counts business attempts and is part of the idempotency key; the engine one
//! counts dispatches of the same logical attempt and never is.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The first one.
            pub const FIRST: Self = Self(1);

            /// The one after this.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )*};
}

counters! {
    /// The business attempt of a step, from 1. On run events and events counted n-th it holds the key's slot-3 value.
    LogicalAttemptId;
    /// The dispatch of a logical attempt, from 1.
    EngineAttemptId;
}
