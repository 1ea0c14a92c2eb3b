use dvt_model::proof::{Authorized, RunCancel, RunReadStatus};
use dvt_model::resource::Run;

fn cancel(_proof: &Authorized<Run, RunCancel>) {}

fn with_the_right_to_read(proof: &Authorized<Run, RunReadStatus>) {
    cancel(proof);
}

fn main() {}
