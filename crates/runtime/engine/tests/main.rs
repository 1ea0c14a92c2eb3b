//! The engine with its real neighbours: a store in a folder, a worker and a starter as processes of their own.
//!
//! Worker and starter are this program again, so it brings its own `main` and its own short list of tests. The present
//! comes from a clock that tests may push on.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod admission;
mod again;
mod cold_cancel;
mod forwarding;
mod gate;
mod groups;
mod house;
mod orphans;
mod recovery;
mod retry;
mod runs;
mod silence;
mod sleep;
mod taken_up;
mod times;
mod votes;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

type Test = (&'static str, fn());

const TESTS: &[Test] = &[
    ("runs::two_steps_and_an_output_between_them", runs::two_steps_and_an_output_between_them),
    ("runs::exit_75_is_tried_again", runs::exit_75_is_tried_again),
    (
        "runs::a_retry_that_is_due_before_it_is_durable_begins",
        runs::a_retry_that_is_due_before_it_is_durable_begins,
    ),
    ("runs::waits_and_noops_need_no_worker", runs::waits_and_noops_need_no_worker),
    ("runs::what_needs_nobody_is_in_the_first_block", runs::what_needs_nobody_is_in_the_first_block),
    ("runs::without_the_owners_word_no_program_starts", runs::without_the_owners_word_no_program_starts),
    ("runs::the_same_request_is_the_same_run", runs::the_same_request_is_the_same_run),
    ("runs::what_is_refused_at_the_start", runs::what_is_refused_at_the_start),
    ("runs::many_runs_share_the_slots", runs::many_runs_share_the_slots),
    (
        "runs::the_end_of_a_step_and_the_start_of_the_next_are_one_block",
        runs::the_end_of_a_step_and_the_start_of_the_next_are_one_block,
    ),
    (
        "admission::a_caller_who_goes_away_leaves_a_run_that_goes_on",
        admission::a_caller_who_goes_away_leaves_a_run_that_goes_on,
    ),
    (
        "admission::a_start_asked_again_at_the_next_engine_goes_on",
        admission::a_start_asked_again_at_the_next_engine_goes_on,
    ),
    (
        "admission::a_run_that_was_written_beside_its_engine_is_given_up_alone",
        admission::a_run_that_was_written_beside_its_engine_is_given_up_alone,
    ),
    ("admission::turns_larger_than_a_block_are_written", admission::turns_larger_than_a_block_are_written),
    ("admission::a_cold_cancel_needs_the_owners_word", admission::a_cold_cancel_needs_the_owners_word),
    (
        "cold_cancel::what_an_engine_that_is_gone_ran_is_not_waited_for",
        cold_cancel::what_an_engine_that_is_gone_ran_is_not_waited_for,
    ),
    (
        "cold_cancel::what_the_engine_itself_forgot_is_waited_for_until_it_is_gone",
        cold_cancel::what_the_engine_itself_forgot_is_waited_for_until_it_is_gone,
    ),
    (
        "cold_cancel::what_loses_its_worker_while_it_is_ended_is_closed",
        cold_cancel::what_loses_its_worker_while_it_is_ended_is_closed,
    ),
    ("cold_cancel::what_may_be_alive_is_waited_for", cold_cancel::what_may_be_alive_is_waited_for),
    ("cold_cancel::what_nobody_can_know_has_its_grace", cold_cancel::what_nobody_can_know_has_its_grace),
    ("again::a_run_that_could_not_be_written_comes_back", again::a_run_that_could_not_be_written_comes_back),
    (
        "again::a_tenant_that_cannot_be_claimed_holds_up_no_other",
        again::a_tenant_that_cannot_be_claimed_holds_up_no_other,
    ),
    (
        "again::a_tenant_that_cannot_be_sealed_holds_up_no_other",
        again::a_tenant_that_cannot_be_sealed_holds_up_no_other,
    ),
    ("again::an_engine_that_ends_slowly_keeps_its_lease", again::an_engine_that_ends_slowly_keeps_its_lease),
    (
        "again::what_could_not_be_taken_up_is_taken_up_later",
        again::what_could_not_be_taken_up_is_taken_up_later,
    ),
    ("forwarding::a_second_process_starts_and_cancels", forwarding::a_second_process_starts_and_cancels),
    ("forwarding::a_repeated_cancel_adds_no_event", forwarding::a_repeated_cancel_adds_no_event),
    ("forwarding::another_tenants_run_is_no_run", forwarding::another_tenants_run_is_no_run),
    ("forwarding::a_set_clock_deposes_no_living_holder", forwarding::a_set_clock_deposes_no_living_holder),
    ("gate::a_run_waits_for_the_tenants_approval", gate::a_run_waits_for_the_tenants_approval),
    ("groups::one_run_of_a_group_at_a_time_in_order", groups::one_run_of_a_group_at_a_time_in_order),
    (
        "groups::a_busy_group_rejects_and_remembers_requests",
        groups::a_busy_group_rejects_and_remembers_requests,
    ),
    (
        "groups::a_cancel_that_the_older_one_could_not_write_is_said_again",
        groups::a_cancel_that_the_older_one_could_not_write_is_said_again,
    ),
    ("groups::a_newer_run_cancels_the_older_ones", groups::a_newer_run_cancels_the_older_ones),
    (
        "groups::a_group_is_kept_over_the_death_of_its_engine",
        groups::a_group_is_kept_over_the_death_of_its_engine,
    ),
    ("groups::a_full_group_takes_no_more", groups::a_full_group_takes_no_more),
    ("groups::who_waits_too_long_fails", groups::who_waits_too_long_fails),
    (
        "orphans::a_cancel_that_its_child_could_not_write_is_said_again",
        orphans::a_cancel_that_its_child_could_not_write_is_said_again,
    ),
    (
        "orphans::the_next_engine_ends_a_child_that_nobody_waits_for",
        orphans::the_next_engine_ends_a_child_that_nobody_waits_for,
    ),
    (
        "retry::a_run_goes_on_from_what_completed_in_another",
        retry::a_run_goes_on_from_what_completed_in_another,
    ),
    ("retry::what_is_not_to_be_run_again_is_refused", retry::what_is_not_to_be_run_again_is_refused),
    ("retry::what_is_taken_over_survives_the_engine", retry::what_is_taken_over_survives_the_engine),
    ("times::a_wait_of_a_day_outlives_its_engine", times::a_wait_of_a_day_outlives_its_engine),
    (
        "times::a_clock_set_back_behind_the_timers_ends_no_wait",
        times::a_clock_set_back_behind_the_timers_ends_no_wait,
    ),
    ("times::a_hold_expires_after_three_days", times::a_hold_expires_after_three_days),
    (
        "times::a_step_that_kills_workers_is_given_up_after_five",
        times::a_step_that_kills_workers_is_given_up_after_five,
    ),
    ("times::an_emergency_stop_reaches_the_program", times::an_emergency_stop_reaches_the_program),
    ("times::an_emergency_stop_leaves_time_to_end", times::an_emergency_stop_leaves_time_to_end),
    (
        "times::a_run_queued_without_host_power_never_gets_it",
        times::a_run_queued_without_host_power_never_gets_it,
    ),
    (
        "recovery::a_killed_worker_is_replaced_and_the_token_stays",
        recovery::a_killed_worker_is_replaced_and_the_token_stays,
    ),
    ("recovery::a_standby_takes_over_its_own_runs_only", recovery::a_standby_takes_over_its_own_runs_only),
    (
        "recovery::attended_runs_outlive_engine_after_engine",
        recovery::attended_runs_outlive_engine_after_engine,
    ),
    ("recovery::a_stopped_hard_run_goes_on_by_resume", recovery::a_stopped_hard_run_goes_on_by_resume),
    ("recovery::resumes_at_the_same_moment_recover_once", recovery::resumes_at_the_same_moment_recover_once),
    ("recovery::a_large_run_goes_on_from_its_snapshot", recovery::a_large_run_goes_on_from_its_snapshot),
    (
        "recovery::an_act_does_not_stand_in_the_way_of_a_resume",
        recovery::an_act_does_not_stand_in_the_way_of_a_resume,
    ),
    ("recovery::what_is_taken_up_goes_through_the_slots", recovery::what_is_taken_up_goes_through_the_slots),
    (
        "recovery::a_worker_that_cannot_begin_costs_no_step_a_dispatch",
        recovery::a_worker_that_cannot_begin_costs_no_step_a_dispatch,
    ),
    (
        "recovery::files_that_could_not_be_unpacked_are_sent_again",
        recovery::files_that_could_not_be_unpacked_are_sent_again,
    ),
    ("recovery::an_old_epoch_writes_nothing", recovery::an_old_epoch_writes_nothing),
    (
        "silence::a_worker_is_lost_with_its_lease_and_not_before",
        silence::a_worker_is_lost_with_its_lease_and_not_before,
    ),
    ("sleep::runs_that_wait_hold_no_memory", sleep::runs_that_wait_hold_no_memory),
    (
        "sleep::runs_stay_awake_until_their_idle_time_is_over",
        sleep::runs_stay_awake_until_their_idle_time_is_over,
    ),
    ("sleep::a_report_wakes_a_run_that_sleeps", sleep::a_report_wakes_a_run_that_sleeps),
    (
        "sleep::a_run_that_was_written_while_it_slept_goes_on_from_its_ledger",
        sleep::a_run_that_was_written_while_it_slept_goes_on_from_its_ledger,
    ),
    (
        "taken_up::a_run_goes_on_by_the_resume_alone_and_after_it",
        taken_up::a_run_goes_on_by_the_resume_alone_and_after_it,
    ),
    (
        "taken_up::a_resume_asked_again_after_the_end_has_its_first_answer",
        taken_up::a_resume_asked_again_after_the_end_has_its_first_answer,
    ),
    ("votes::a_role_that_a_step_names_is_asked_for", votes::a_role_that_a_step_names_is_asked_for),
    ("votes::a_vote_says_what_it_was_about", votes::a_vote_says_what_it_was_about),
    (
        "votes::the_same_proof_again_is_what_it_was_the_first_time",
        votes::the_same_proof_again_is_what_it_was_the_first_time,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("__worker") => return dvt_worker::main(),
        Some("__starter") => return dvt_wall::starter::main(),
        _ => {}
    }
    if arguments.iter().any(|argument| argument == "--list") {
        for (name, _) in TESTS {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    let chosen = TESTS.iter().filter(|(name, _)| filter.is_none_or(|filter| name.contains(filter.as_str())));
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in chosen {
        let began = std::time::Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(test));
        println!(
            "test {name} ... {} ({:.1?})",
            if outcome.is_ok() { "ok" } else { "FAILED" },
            began.elapsed()
        );
        if outcome.is_ok() { passed += 1 } else { failed += 1 }
    }
    println!("\ntest result: {passed} passed; {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
