//! `PLAN_UNBOUNDED`: a worst case that no class of tenants allows.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report};
use crate::plan::Bounds;
use crate::read::tree::Node;

/// Attempts that the widest class allows (single-tenant); narrower classes are checked when a run is admitted.
pub(crate) const MOST_ATTEMPTS: u64 = 250_000;

/// Compares the bounds with the widest class.
pub(crate) fn check(root: &Node<'_>, bounds: &Bounds, sink: &mut Collector<'_>) {
    if bounds.attempts > MOST_ATTEMPTS {
        let place = root.entry("steps").map_or(root.place, |entry| entry.place);
        let message = format!(
            "in the worst case the plan makes {} step attempts, and {MOST_ATTEMPTS} is the most",
            bounds.attempts
        );
        let report = Report::error(codes::PLAN_UNBOUNDED, place, message);
        sink.add(report.fix("fewer steps or items (maxItems), or a smaller   defaults: { retry: 1 }"));
    }
}
