//! The page of each code of the registry, compiled in, so that `dvt explain` works without network and without files.
//!
//! The `DVT-P…` codes of the plan language have their pages in the plan crate. A test holds list, registry and the exit
//! codes that the pages name together.

/// A code and its page; the file has the name of the code.
macro_rules! page {
    ($code:literal) => {
        ($code, include_str!(concat!("../../../../docs/codes/", $code, ".md")))
    };
}

/// Code and page, in the order of the codes.
pub(crate) const PAGES: &[(&str, &str)] = &[
    page!("APPROVAL_EXPIRED"),
    page!("APPROVAL_REJECTED"),
    page!("AUDIT_RETENTION_LOCKED"),
    page!("AUTHORIZATION_REQUIRED"),
    page!("AUTHZ_DENIED"),
    page!("CANCELLED"),
    page!("COMPENSATION_INCOMPLETE"),
    page!("CONCURRENCY_BUSY"),
    page!("CONFIG_INVALID"),
    page!("CONTRACT_VIOLATION"),
    page!("DECISION_RECORD_INCOMPLETE"),
    page!("DECRYPT_FAILED"),
    page!("DETERMINISM_VIOLATION"),
    page!("EXPRESSION_FAILED"),
    page!("EXPRESSION_OVER_BUDGET"),
    page!("HOLD_EXPIRED"),
    page!("IDEMPOTENCY_KEY_REUSED"),
    page!("INTERNAL"),
    page!("INVALID_CURSOR"),
    page!("INVALID_ID"),
    page!("INVALID_PLAN_SCHEMA"),
    page!("INVALID_REQUEST"),
    page!("INVALID_STATE_TRANSITION"),
    page!("KEY_UNAVAILABLE"),
    page!("LEASE_LOST"),
    page!("LEDGER_INTEGRITY_FAILED"),
    page!("LEDGER_UNAVAILABLE"),
    page!("LEGAL_HOLD_ACTIVE"),
    page!("MIGRATE_NOT_CALLED"),
    page!("NOT_FOUND"),
    page!("OOM"),
    page!("OUTPUT_LIMIT"),
    page!("PAYLOAD_ERASED"),
    page!("PAYLOAD_TOO_LARGE"),
    page!("PLAN_INTEGRITY_VALIDATION_FAILED"),
    page!("PLAN_REF_MISMATCH"),
    page!("PLAN_SCHEMA_VERSION_UNKNOWN"),
    page!("PLAN_UNBOUNDED"),
    page!("PLAN_VERSION_EXISTS"),
    page!("POLICY_DENIED"),
    page!("QUEUE_FULL"),
    page!("QUEUE_TTL_EXPIRED"),
    page!("QUOTA_EXCEEDED"),
    page!("RUN_ALREADY_EXISTS"),
    page!("RUN_NOT_FOUND"),
    page!("RUN_TERMINAL"),
    page!("RUN_TIMEOUT"),
    page!("SANDBOX_UNAVAILABLE"),
    page!("SCHEMA_VALIDATION_FAILED"),
    page!("SECRET_IN_OUTPUT"),
    page!("SECRET_IN_PLAN"),
    page!("SERVICE_DEGRADED"),
    page!("SIGNAL_DUPLICATE"),
    page!("SIGNAL_INVALID_PAYLOAD"),
    page!("SIGNAL_NOT_IMPLEMENTED"),
    page!("STEP_ERROR"),
    page!("STEP_NOT_TERMINAL"),
    page!("STEP_TERMINAL"),
    page!("TENANT_ISOLATION_VIOLATION"),
    page!("TIMEOUT"),
    page!("UNAUTHENTICATED"),
    page!("VERSION_CONFLICT"),
    page!("WORKER_LOST"),
];

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::exit;
    use dvt_model::code::Code;

    #[test]
    fn every_code_has_its_page_and_every_page_its_code() {
        let mut codes: Vec<String> = Code::ALL.iter().map(ToString::to_string).collect();
        codes.sort();
        assert_eq!(all().map(|(code, _)| code).collect::<Vec<_>>(), codes);
    }

    #[test]
    fn a_page_is_short_and_says_what_to_do() {
        for (code, page) in all() {
            assert!(page.starts_with(&format!("# {code}\n")), "{code}");
            assert!((10..=20).contains(&page.lines().count()), "{code}");
            assert!(page.contains("\n## When it is met\n") && page.contains("\n## What to do\n"), "{code}");
        }
    }

    #[test]
    fn the_exit_code_and_the_retry_on_a_page_are_those_of_the_program() {
        for code in Code::ALL {
            let (_, page) = all().find(|(name, _)| *name == code.to_string()).unwrap();
            let ends = format!("`dvt` ends with {}.", exit::of(*code).number());
            assert!(page.trim_end().ends_with(&ends), "{code}: {ends}");
            assert_eq!(page.contains("; retryable: the same request"), code.is_retryable(), "{code}");
        }
    }
}
