//! What a class of tenants allows a plan to cost (contract 5.7).

use crate::plan::Bounds;

/// The ceiling of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// Steps in a plan.
    pub steps: u64,
    /// Step attempts in the worst case.
    pub attempts: u64,
    /// Bytes of a document.
    pub document_bytes: u64,
    /// Whether lists without a declared maximum are counted at the ceiling instead of refused.
    pub takes_unbounded: bool,
}

impl Class {
    /// The smallest.
    pub const HOBBY: Self = Self {
        name: "hobby",
        steps: 1_000,
        attempts: 5_000,
        document_bytes: 1 << 20,
        takes_unbounded: false,
    };
    /// Of a tenant that was given no other.
    pub const DEFAULT: Self = Self {
        name: "default",
        steps: 10_000,
        attempts: 50_000,
        document_bytes: 4 << 20,
        takes_unbounded: false,
    };
    /// The widest among many tenants.
    pub const ENTERPRISE: Self = Self {
        name: "enterprise",
        steps: 50_000,
        attempts: 250_000,
        document_bytes: 8 << 20,
        takes_unbounded: false,
    };
    /// Of the one tenant of an installation.
    pub const SINGLE_TENANT: Self = Self { name: "single-tenant", takes_unbounded: true, ..Self::ENTERPRISE };

    // INVARIANT(INV-21): no plan runs whose worst case its tenant's class does not allow.
    /// Why a plan is not admitted (`PLAN_UNBOUNDED`), where it is not.
    pub fn refuses(&self, bounds: &Bounds, document_bytes: u64) -> Option<String> {
        let over = |what: &str, found: u64, most: u64| {
            (found > most).then(|| format!("the plan has {found} {what}, and `{}` allows {most}", self.name))
        };
        over("steps", bounds.steps, self.steps)
            .or_else(|| over("step attempts in the worst case", bounds.attempts, self.attempts))
            .or_else(|| over("bytes", document_bytes, self.document_bytes))
            .or_else(|| {
                (!bounds.is_bounded && !self.takes_unbounded).then(|| {
                    "a list of `foreach` has no declared maximum: `maxItems` in the schema of its source"
                        .to_owned()
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_refuses_what_the_contract_says() {
        let bounds = |steps, attempts, is_bounded| Bounds {
            steps,
            attempts,
            parallel: 1,
            duration_ms: 1,
            output_bytes: 1,
            is_bounded,
        };
        for class in [Class::HOBBY, Class::DEFAULT, Class::ENTERPRISE, Class::SINGLE_TENANT] {
            let at = |steps, attempts, is_bounded| {
                class.refuses(&bounds(steps, attempts, is_bounded), 1).is_none()
            };
            assert!(at(class.steps, class.attempts, true), "{}", class.name);
            assert!(!at(class.steps + 1, 1, true), "{}", class.name);
            assert!(!at(1, class.attempts + 1, true), "{}", class.name);
            assert_eq!(at(1, 1, false), class == Class::SINGLE_TENANT, "{}", class.name);
            assert!(class.refuses(&bounds(1, 1, true), class.document_bytes + 1).is_some(), "{}", class.name);
        }
    }
}
