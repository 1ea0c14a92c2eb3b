//! Where each step stands: rows by layer, ordered within by the mean place of what a step needs and what needs it.

use crate::plan::Plan;
use dvt_model::id::StepId;
use std::collections::BTreeMap;

/// How often the rows are ordered, down and up in turn.
const SWEEPS: usize = 4;

/// The rows, each with its steps from left to right.
pub(super) fn rows(plan: &Plan) -> Vec<Vec<&StepId>> {
    let mut rows: BTreeMap<u32, Vec<&StepId>> = BTreeMap::new();
    for id in plan.steps.keys() {
        rows.entry(plan.layer(id)).or_default().push(id);
    }
    let mut rows: Vec<Vec<&StepId>> = rows.into_values().collect();
    let mut places: BTreeMap<&StepId, f64> = BTreeMap::new();
    rows.iter().for_each(|row| place(row, &mut places));
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let count = rows.len();
        for at in 0..count {
            let Some(row) = rows.get_mut(if down { at } else { count - 1 - at }) else { continue };
            let mean_of =
                |id: &StepId| if down { above(plan, id, &places) } else { below(plan, id, &places) };
            let own = |id: &StepId| places.get(id).copied().unwrap_or_default();
            let mut keyed: Vec<(f64, &StepId)> =
                row.iter().map(|id| (mean_of(id).unwrap_or_else(|| own(id)), *id)).collect();
            keyed.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(right.1)));
            *row = keyed.into_iter().map(|(_, id)| id).collect();
            place(row, &mut places);
        }
    }
    rows
}

/// Places from 0 to 1, so that rows of different lengths compare.
fn place<'p>(row: &[&'p StepId], places: &mut BTreeMap<&'p StepId, f64>) {
    let length = number(row.len().max(1));
    for (index, id) in row.iter().enumerate() {
        places.insert(id, (number(index) + 0.5) / length);
    }
}

fn above(plan: &Plan, id: &StepId, places: &BTreeMap<&StepId, f64>) -> Option<f64> {
    mean(plan.steps.get(id)?.needs.iter().filter_map(|need| places.get(need).copied()))
}

fn below(plan: &Plan, id: &StepId, places: &BTreeMap<&StepId, f64>) -> Option<f64> {
    mean(plan.dependants(id).filter_map(|other| places.get(other).copied()))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / number(count))
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
