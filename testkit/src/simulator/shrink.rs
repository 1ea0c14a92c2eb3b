//! Makes a finding smaller: fewer steps in the plan, fewer moves in the storm, as long as something is still found.

use super::world::STORM;
use super::{Cut, Finding, history_without, plans};

/// Histories that shrinking may run.
const PATIENCE: u32 = 600;

/// The smallest finding that leaving things out leads to. It may tell of another symptom of the same fault.
pub fn shrink(finding: Finding) -> Finding {
    let mut best = finding;
    let mut left = PATIENCE;
    let mut step = |best: &mut Finding, cut: Cut| {
        left = left.saturating_sub(1);
        match history_without(best.seed, &cut) {
            Err(smaller) if left > 0 => {
                *best = smaller;
                true
            }
            _ => false,
        }
    };
    for _ in 0..2 {
        for number in (0..plans::MOST_STEPS).rev() {
            let mut cut = best.cut.clone();
            if cut.steps.insert(number) {
                step(&mut best, cut);
            }
        }
        // Halves, quarters, … and at last single moves.
        let mut size = STORM / 2;
        while size > 0 {
            let mut from = 0;
            while from < STORM {
                let mut cut = best.cut.clone();
                let before = cut.moves.len();
                cut.moves.extend(from..(from + size).min(STORM));
                if cut.moves.len() > before {
                    step(&mut best, cut);
                }
                from += size;
            }
            size /= 2;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left out is left out, and the other steps keep their forms; what named a step that is gone names another.
    #[test]
    fn a_cut_plan_is_the_same_plan_without_its_steps() {
        let whole = plans::of_seed(11, &[].into()).unwrap();
        let cut = plans::of_seed(11, &[0].into()).unwrap();
        let kept: Vec<_> = cut.steps.keys().filter(|id| whole.steps.contains_key(*id)).collect();
        assert!(whole.steps.len() > 1 && kept.len() == cut.steps.len());
        for id in kept {
            let form = |plan: &dvt_plan::plan::Plan| plan.steps[id].form.word().to_owned();
            assert_eq!(form(&whole), form(&cut));
        }
    }
}
