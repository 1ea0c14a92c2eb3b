//! The run as a tree of lines: one line a step, its state, time, attempts and the reason why it waits.

use crate::view::canvas::{Canvas, again, brief, clock};
use crate::view::duration::{bound, plural, short};
use crate::view::items;
use crate::view::picture::{Picture, StepPicture};
use crate::view::safe::safe;
use crate::view::width::clip;
use dvt_model::run::{RunStatus, StepStatus};
use serde_json::Value;

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// All steps, one line each.
pub(crate) fn draw(picture: &Picture, canvas: Canvas) -> Vec<String> {
    let longest = picture.order.iter().map(|id| id.chars().count()).max().unwrap_or(0);
    let width = longest.min(32).min(canvas.width.saturating_sub(12) / 2 + 4);
    picture.in_order().map(|(id, step)| line(picture, id, step, width, canvas)).collect()
}

/// Which lines to show where there is less room than steps: what runs and what failed first, then the rest in order.
pub(crate) fn fit(picture: &Picture, lines: Vec<String>, rows: usize, width: usize) -> Vec<String> {
    if lines.len() <= rows {
        return lines;
    }
    let rank = |step: &StepPicture| match step.status {
        StepStatus::Running => 0,
        StepStatus::Failed => 1,
        StepStatus::Pending if step.retry_at.is_some() => 2,
        StepStatus::Pending => 3,
        StepStatus::Skipped => 4,
        StepStatus::Success => 5,
    };
    let mut ranked: Vec<(usize, usize)> =
        picture.in_order().enumerate().map(|(index, (_, step))| (rank(step), index)).collect();
    ranked.sort_unstable();
    let room = rows.saturating_sub(1);
    let mut shown: Vec<usize> = ranked.into_iter().take(room).map(|(_, index)| index).collect();
    shown.sort_unstable();
    let hidden = lines.len() - shown.len();
    let done = picture.steps.values().filter(|step| step.is_over()).count();
    let mut out: Vec<String> = shown.into_iter().filter_map(|index| lines.get(index).cloned()).collect();
    out.push(clip(&format!("  … {hidden} more; {done} of {} done", lines.len()), width));
    out
}

fn line(picture: &Picture, id: &str, step: &StepPicture, width: usize, canvas: Canvas) -> String {
    let paint = canvas.paint;
    let mark = match step.status {
        StepStatus::Success => paint.green("✓"),
        StepStatus::Failed => paint.red("✗"),
        StepStatus::Skipped => paint.faint("-"),
        StepStatus::Running if canvas.live => {
            paint.blue(SPINNER.get(canvas.frame % SPINNER.len()).unwrap_or(&"•"))
        }
        StepStatus::Running => paint.blue("•"),
        StepStatus::Pending if step.is_waiting_for_retry() && !picture.status.is_terminal() => {
            paint.yellow("↻")
        }
        StepStatus::Pending => paint.faint("·"),
    };
    // Cut, never wrapped: a wrapped line would spoil the repainting. Ids are ASCII.
    let name = clip(id, width);
    let words = clip(&safe(&words(picture, id, step, canvas)), canvas.width.saturating_sub(width + 6));
    let words = if step.status == StepStatus::Pending { paint.faint(&words) } else { words };
    format!("  {mark} {name:width$}  {words}").trim_end().to_owned()
}

fn words(picture: &Picture, id: &str, step: &StepPicture, canvas: Canvas) -> String {
    let mut parts: Vec<String> = Vec::new();
    let attempts = (step.attempts > 1).then(|| format!("{} attempts", step.attempts));
    match step.status {
        StepStatus::Success => {
            parts.extend(step.elapsed_ms(canvas.now).map(short));
            parts.extend(attempts);
            match step.items {
                Some(_) => parts.extend(items::told(picture, id, step, canvas)),
                None => parts.extend(rows(step.output.as_ref())),
            }
        }
        StepStatus::Failed => {
            parts.extend(step.elapsed_ms(canvas.now).map(short));
            parts.extend(attempts);
            let items = items::told(picture, id, step, canvas);
            // The items say what failed in them.
            let whole = step.failure.as_ref().filter(|_| items.len() < 2);
            parts.extend(items);
            parts.extend(whole.map(|failure| failure.error_message.clone()));
        }
        StepStatus::Skipped => parts.push(skipped(step).to_owned()),
        StepStatus::Running => {
            match step.wait_ms {
                Some(wait) => parts.push(waits(step, wait, canvas)),
                None => parts.extend(step.started_at.map(|start| short(canvas.now.ms_since(start)))),
            }
            parts.extend(items::told(picture, id, step, canvas));
            if step.attempts > 1 {
                parts.push(format!("attempt {} of {}", step.attempts, step.most_attempts));
            }
            if step.dispatches > 1 {
                parts.push(format!("given out again, dispatch {}", step.dispatches));
            }
        }
        StepStatus::Pending => parts.push(reason(picture, step, canvas)),
    }
    parts.extend(items::undone(picture, id));
    parts.join("  ")
}

/// `waits 10 min, 3m 12s left`.
fn waits(step: &StepPicture, wait: u64, canvas: Canvas) -> String {
    let wait = bound(wait);
    match step.due_at {
        Some(due) if canvas.live => format!("waits {wait}, {} left", short(due.ms_since(canvas.now))),
        Some(due) => format!("waits {wait}, until {}", clock(due)),
        None => format!("waits {wait}"),
    }
}

/// Why a step that has not begun, or has to begin again, waits.
pub(crate) fn reason(picture: &Picture, step: &StepPicture, canvas: Canvas) -> String {
    if picture.status.is_terminal() {
        // The run ended before its next attempt was due.
        return match step.failure.as_ref().filter(|_| step.retry_at.is_some()) {
            Some(failure) => format!("attempt {} not started ({})", step.attempts + 1, brief(failure)),
            None => "not started".to_owned(),
        };
    }
    let is_left = picture.ending.is_some() && !step.has_condition && !step.is_finally;
    if let Some(again) = again(step, canvas).filter(|_| !is_left) {
        return format!("attempt {} of {}, {again}", step.attempts + 1, step.most_attempts);
    }
    if is_left {
        return "will not start".to_owned();
    }
    let open = |need: &&String| picture.steps.get(*need).is_some_and(|need| !need.is_over());
    let waits_for: Vec<&str> = step.needs.iter().filter(open).map(String::as_str).collect();
    match (waits_for.split_first(), picture.ending) {
        (Some((first, [])), _) => format!("waits for {first}"),
        (Some((first, [second])), _) => format!("waits for {first} and {second}"),
        (Some((first, rest)), _) => format!("waits for {first} and {} more", rest.len()),
        (None, _) if step.is_finally => "at the end".to_owned(),
        (None, Some(_)) => "at the end, if its condition holds".to_owned(),
        (None, None) if picture.status == RunStatus::Pending => "when the run starts".to_owned(),
        (None, None) => "ready".to_owned(),
    }
}

fn skipped(step: &StepPicture) -> &str {
    match step.skipped.as_deref() {
        Some("CONDITION_FALSE") => "left out: its condition is false",
        Some("DEPENDENCY_SKIPPED") => "left out: a step it needs was left out",
        Some("DEPENDENCY_FAILED") => "left out: a step it needs failed",
        Some("OPERATOR_SKIP") => "left out by an operator",
        Some(other) => other,
        None => "left out",
    }
}

/// `1,204 rows`, where the output counts them.
fn rows(output: Option<&Value>) -> Option<String> {
    output?.get("rows")?.as_u64().map(|rows| plural(rows, "row", "rows"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::paint::Paint;
    use crate::view::width::columns;
    use dvt_model::run::RunStatus;
    use dvt_model::time::Timestamp;
    use dvt_plan::diagnostic::Source;

    fn picture(steps: usize) -> Picture {
        let chain =
            (1..steps).map(|number| format!("  s{number}: {{ uses: dvt/noop@1, needs: s{} }}\n", number - 1));
        let text = format!(
            "apiVersion: dvt/v1\nname: chain\nsteps:\n  s0: {{ uses: dvt/noop@1 }}\n{}",
            chain.collect::<String>()
        );
        of(&text)
    }

    fn of(text: &str) -> Picture {
        let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: text.to_owned() });
        Picture::new(&outcome.checked.unwrap().plan)
    }

    fn failure() -> dvt_model::failure::Failure {
        serde_json::from_value(serde_json::json!({
            "errorCode": "STEP_ERROR", "errorMessage": "exit status 75", "retryable": true,
            "failureCategory": "SYSTEM", "failureSource": "STEP", "exitStatus": 75,
        }))
        .unwrap()
    }

    fn canvas(width: usize) -> Canvas {
        Canvas { now: Timestamp::from_ms(10_000), width, paint: Paint::plain(), frame: 0, live: true }
    }

    #[test]
    fn each_line_says_the_state_and_why_it_waits() {
        let mut picture = picture(3);
        let step = picture.steps.get_mut("s0").unwrap();
        (step.status, step.attempts) = (StepStatus::Success, 2);
        (step.first_started_at, step.ended_at) =
            (Some(Timestamp::from_ms(1_000)), Some(Timestamp::from_ms(1_400)));
        step.output = Some(serde_json::json!({"rows": 1204}));
        let step = picture.steps.get_mut("s1").unwrap();
        (step.attempts, step.most_attempts, step.retry_at) = (1, 3, Some(Timestamp::from_ms(14_000)));
        assert_eq!(
            draw(&picture, canvas(80)),
            [
                "  ✓ s0  0.4s  2 attempts  1,204 rows",
                "  ↻ s1  attempt 2 of 3, again in 4.0s",
                "  · s2  waits for s1"
            ]
        );
    }

    /// Of a run that failed meanwhile the next attempt is no promise any more, and what runs at the end still does.
    #[test]
    fn a_retry_ends_with_its_run_and_finally_waits_for_the_end() {
        let text = "apiVersion: dvt/v1\nname: p\nsteps:\n  b: { uses: dvt/noop@1 }\nfinally:\n  a: { uses: dvt/noop@1 }\n  c: { uses: dvt/noop@1, needs: a }\n";
        let mut picture = of(text);
        assert_eq!(draw(&picture, canvas(80))[0], "  · b  when the run starts");
        picture.status = RunStatus::Running;
        assert_eq!(draw(&picture, canvas(80)), ["  · b  ready", "  · a  at the end", "  · c  waits for a"]);
        let step = picture.steps.get_mut("b").unwrap();
        (step.attempts, step.most_attempts, step.failure) = (1, 3, Some(failure()));
        step.retry_at = Some(Timestamp::from_ms(14_000));
        assert_eq!(draw(&picture, canvas(80))[0], "  ↻ b  attempt 2 of 3, again in 4.0s (exit 75)");
        picture.ending = Some("FAILING");
        assert_eq!(draw(&picture, canvas(80))[..2], ["  ↻ b  will not start", "  · a  at the end"]);
        (picture.ending, picture.status) = (None, RunStatus::Failed);
        assert_eq!(
            draw(&picture, canvas(80)),
            ["  · b  attempt 2 not started (exit 75)", "  · a  not started", "  · c  not started"]
        );
    }

    /// Items stand behind the count while they run; of many, those that have not ended well.
    #[test]
    fn items_are_told_by_name_while_they_run() {
        let text = "apiVersion: dvt/v1\nname: p\nsteps:\n  t: { foreach: ['a'], run: [x], compensate: { run: [y] } }\n";
        let started = |items: &[&str]| {
            let mut picture = of(text);
            picture.name_items("t", items);
            for (index, _) in items.iter().enumerate() {
                let item = picture.begin(&format!("t.{index}"));
                (item.status, item.attempts) = (StepStatus::Success, 1);
                (item.first_started_at, item.ended_at) =
                    (Some(Timestamp::from_ms(8_000)), Some(Timestamp::from_ms(9_100)));
            }
            let step = picture.steps.get_mut("t").unwrap();
            (step.status, step.started_at) = (StepStatus::Running, Some(Timestamp::from_ms(8_000)));
            step.first_started_at = step.started_at;
            step.items = Some((items.len() as u64, items.len() as u64 - 1));
            picture
        };
        let mut picture = started(&["eu", "us", "apac"]);
        let item = picture.begin("t.2");
        (item.status, item.ended_at, item.failure) = (StepStatus::Pending, None, Some(failure()));
        item.retry_at = Some(Timestamp::from_ms(14_000));
        assert_eq!(
            draw(&picture, canvas(120)),
            ["  ⠋ t  2.0s  2/3 items  eu ✓ 1.1s · us ✓ 1.1s · apac attempt 2, again in 4.0s (exit 75)"]
        );
        let item = picture.begin("t.2");
        (item.status, item.retry_at) = (StepStatus::Failed, None);
        let step = picture.steps.get_mut("t").unwrap();
        (step.status, step.failure, step.ended_at) =
            (StepStatus::Failed, Some(failure()), Some(Timestamp::from_ms(9_000)));
        assert_eq!(draw(&picture, canvas(120)), ["  ✗ t  1.0s  2/3 items  apac ✗ exit 75"]);
        for (id, status, shown) in [
            ("t.0.compensate", StepStatus::Running, "being undone"),
            ("t.1.compensate", StepStatus::Success, "1 of 2 undone"),
            ("t.0.compensate", StepStatus::Success, "undone"),
        ] {
            picture.begin(id).status = status;
            assert!(draw(&picture, canvas(120))[0].ends_with(&format!("exit 75  {shown}")), "{shown}");
        }
        let undo = picture.begin("t.1.compensate");
        (undo.status, undo.failure) = (StepStatus::Failed, Some(failure()));
        assert!(draw(&picture, canvas(120))[0].ends_with("not undone (exit 75)"));

        let names: Vec<String> = (0..20).map(|number| format!("n{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut picture = started(&names);
        for index in [3, 10, 11, 12, 13] {
            let item = picture.begin(&format!("t.{index}"));
            (item.status, item.ended_at) = (StepStatus::Running, None);
        }
        // Byte order of the ids chooses, their number orders.
        assert_eq!(
            draw(&picture, canvas(120)),
            ["  ⠋ t  2.0s  19/20 items  n10 2.0s · n11 2.0s · n12 2.0s · n13 2.0s"]
        );
    }

    #[test]
    fn on_the_way_out_only_a_condition_lets_a_step_start() {
        let mut picture = picture(2);
        picture.ending = Some("FAILING");
        assert_eq!(draw(&picture, canvas(80))[1], "  · s1  will not start");
        picture.steps.get_mut("s1").unwrap().has_condition = true;
        assert_eq!(draw(&picture, canvas(80))[1], "  · s1  waits for s0");
    }

    #[test]
    fn a_wait_shows_its_own_time() {
        let mut picture = picture(1);
        let step = picture.steps.get_mut("s0").unwrap();
        (step.status, step.wait_ms) = (StepStatus::Running, Some(600_000));
        step.due_at = Some(Timestamp::from_ms(202_000));
        assert_eq!(draw(&picture, canvas(80)), ["  ⠋ s0  waits 10 min, 3m 12s left"]);
        let still = Canvas { live: false, ..canvas(80) };
        assert_eq!(draw(&picture, still), ["  • s0  waits 10 min, until 00:03:22 UTC"]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_foreign_text_is_harmless() {
        let mut picture = picture(2);
        picture.steps.get_mut("s0").unwrap().status = StepStatus::Skipped;
        picture.steps.get_mut("s0").unwrap().skipped = Some(format!("\u{1b}[2J{}", "x".repeat(500)));
        for line in draw(&picture, canvas(40)) {
            assert!(columns(&line) <= 40 && !line.contains('\u{1b}'), "{line}");
        }
    }

    /// 1,000 steps on a terminal of 20 rows: what runs is seen, the rest is counted.
    #[test]
    fn a_small_terminal_shows_what_runs() {
        let mut picture = picture(1_000);
        picture.steps.get_mut("s777").unwrap().status = StepStatus::Running;
        let lines = fit(&picture, draw(&picture, canvas(80)), 20, 80);
        assert_eq!(lines.len(), 20);
        assert!(
            lines.iter().any(|line| line.contains("s777")) && lines[19].contains("981 more"),
            "{lines:#?}"
        );
    }
}
