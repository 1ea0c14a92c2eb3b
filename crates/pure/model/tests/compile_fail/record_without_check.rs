use dvt_model::decision::{DecisionRecord, Draft};

fn act(_record: DecisionRecord) {}

fn with_a_draft(draft: Draft) {
    act(draft);
}

fn main() {}
