//! The golden plans: each kind of step, each event, each signal, each end of a run.

use crate::play::{Deed, Golden, principal, step};
use dvt_core::command::OtherRun;
use dvt_core::event::body::{ApprovalGate, Verdict};
use dvt_model::action::Role;
use dvt_model::digest::Digest;
use dvt_model::id::{PlanName, RunId};
use dvt_plan::expression::parse;
use dvt_plan::plan::{
    Approval, Backoff, Foreach, Form, OnStepFailure, Part, Plan, PlanReference, Retry, RetryOn, Signal,
    Source, Step, SubPlan,
};
use dvt_plan::template::TemplateValue;
use serde_json::{Value, json};

const HOUR: u64 = 3_600_000;

fn of(name: &str, form: Form, needs: &[&str]) -> Step {
    let mut made = Step::new(step(name), form);
    made.needs = needs.iter().map(|need| step(need)).collect();
    made.retry = retries(0);
    made.definition = Digest::of(name.as_bytes());
    made
}

fn retries(max: u32) -> Retry {
    let on = vec![RetryOn::Failure, RetryOn::Timeout].into();
    Retry { max, backoff: Backoff::Exponential, initial_ms: 1_000, ceiling_ms: 60_000, full_jitter: true, on }
}

fn program(name: &str, needs: &[&str]) -> Step {
    of(name, Form::Run { program: "echo".to_owned(), arguments: Vec::new() }, needs)
}

fn noop(name: &str, needs: &[&str]) -> Step {
    of(name, Form::Noop { simulate_ms: 0 }, needs)
}

fn expression(source: &str) -> TemplateValue {
    TemplateValue::Expression(parse(source).expect("an expression"))
}

fn when(mut made: Step, source: &str) -> Step {
    made.condition = Some(parse(source).expect("a condition"));
    made
}

fn with(mut made: Step, source: &str) -> Step {
    made.with = Some(expression(source));
    made
}

fn each(mut made: Step, items: Value, max_parallel: Option<u32>) -> Step {
    let source = Source::List(TemplateValue::Literal(items));
    made.foreach = Some(Box::new(Foreach {
        source,
        exclude: None,
        key: None,
        max_parallel,
        most: 100,
        is_bounded: true,
    }));
    made
}

fn undone(mut made: Step) -> Step {
    let mut undo = program(made.id.as_str(), &[]);
    undo.part = Part::Compensation;
    undo.retry = retries(1);
    undo.with = made.foreach.is_some().then(|| expression("item"));
    made.compensate = Some(Box::new(undo));
    made
}

fn finally(mut made: Step) -> Step {
    made.part = Part::Finally;
    made
}

fn approval(name: &str, min: u32, needs: &[&str]) -> Step {
    of(name, Form::Approval(Approval { role: Role::Operator, min, not_initiator: true }), needs)
}

fn signal(name: &str, of_name: &str, needs: &[&str]) -> Step {
    of(name, Form::Signal(Box::new(Signal { name: of_name.to_owned(), role: None, schema: None })), needs)
}

fn sub_plan(name: &str, needs: &[&str]) -> Step {
    let reference = PlanReference::Path("./child.yaml".to_owned());
    with(
        of(
            name,
            Form::Plan(Box::new(SubPlan {
                reference,
                digest: Some(Digest::of(b"child")),
                child: None,
                bounds: None,
            })),
            needs,
        ),
        "{'n': 1}",
    )
}

fn golden(name: &'static str, steps: Vec<Step>) -> Golden {
    let plan = Plan::new(PlanName::parse("golden").expect("a name"), steps);
    Golden {
        name,
        plan,
        start: |_| {},
        reused: Vec::new(),
        failing: Vec::new(),
        silent: Vec::new(),
        deeds: Vec::new(),
    }
}

fn hold(mut golden: Golden) -> Golden {
    golden.plan.on_step_failure = OnStepFailure::Hold;
    golden
}

fn tired(mut golden: Golden, max_duration_ms: u64) -> Golden {
    golden.plan.max_duration_ms = max_duration_ms;
    golden
}

fn lists() -> Vec<Step> {
    let mut product = program("product", &["list"]);
    let two = |values: Value| TemplateValue::Literal(values);
    let source = Source::Product(
        [("a".to_owned(), two(json!([1, 2]))), ("b".to_owned(), two(json!(["x", "y"])))].into(),
    );
    let exclude = Some(TemplateValue::Literal(json!([{ "a": 2, "b": "y" }])));
    product.foreach = Some(Box::new(Foreach {
        source,
        exclude,
        key: None,
        max_parallel: Some(2),
        most: 4,
        is_bounded: true,
    }));
    let mut list = each(with(program("list", &[]), "item"), json!(["eu", "us", "ap", "af", "sa"]), Some(2));
    list.retry = retries(2);
    let forgiving =
        Step { continue_on_error: true, ..each(program("forgiving", &[]), json!([1, 2, 3]), None) };
    let some = when(each(program("some", &[]), json!([1, 2, 3, 4]), None), "item % 2 == 0");
    let reads =
        with(program("reads", &["list", "product", "forgiving", "some"]), "steps.list.output.map(x, x.of)");
    vec![
        list,
        product,
        forgiving,
        some,
        each(noop("none", &[]), json!([]), None),
        each(noop("inside", &[]), json!([1, 2, 3]), Some(1)),
        reads,
    ]
}

/// All of them.
pub(crate) fn all() -> Vec<Golden> {
    let five = || {
        vec![
            program("a", &[]),
            Step { retry: retries(2), ..program("b", &["a"]) },
            program("c", &["a"]),
            program("d", &["b", "c"]),
            program("e", &["d"]),
        ]
    };
    let chain = || vec![program("a", &[]), program("b", &["a"]), program("c", &["b"])];
    let way_out = || {
        vec![
            undone(program("first", &[])),
            undone(each(program("many", &["first"]), json!(["x", "y", "z"]), Some(2))),
            undone(program("second", &["many"])),
            program("fails", &["second"]),
            when(program("always", &["fails"]), "always()"),
            when(program("if-failed", &["fails"]), "failure()"),
            program("never", &["fails"]),
            finally(with(program("notify", &[]), "run.status")),
            finally(program("after", &["notify"])),
        ]
    };
    let join =
        || vec![program("a", &[]), program("b", &[]), program("c", &[]), program("join", &["a", "b", "c"])];
    let waits = || {
        let until = Form::WaitUntil { at: TemplateValue::Literal(json!("2026-02-16T01:30:00+01:00")) };
        vec![
            program("a", &[]),
            of("wait", Form::Wait { duration_ms: 60_000 }, &["a"]),
            of("until", until, &["a"]),
            signal("early", "go", &["wait"]),
            signal("late", "go", &["early"]),
        ]
    };
    vec![
        golden("one step", vec![program("a", &[])]),
        golden("three and a join", join()),
        Golden {
            failing: vec![("b", 1)],
            deeds: vec![(3, Deed::Cancel)],
            ..golden("five with cancel and retry", five())
        },
        Golden {
            deeds: vec![(1, Deed::Pause), (1, Deed::Pass(5_000)), (1, Deed::Resume)],
            ..golden("pause after step 1", chain())
        },
        Golden {
            failing: vec![("b", 1)],
            silent: vec![],
            deeds: vec![(2, Deed::Retry("b"))],
            ..golden(
                "retry of step 2",
                vec![
                    program("a", &[]),
                    program("b", &["a"]),
                    program("c", &["b"]),
                    of("slow", Form::Noop { simulate_ms: 3_000 }, &[]),
                ],
            )
        },
        Golden { failing: vec![("list.1", 1), ("forgiving.1", 1)], ..golden("items", lists()) },
        Golden {
            failing: vec![("list.1", 3), ("list.3", 1)],
            deeds: vec![(60, Deed::Retry("list"))],
            ..hold(golden("an item out of retries, and its step again", lists()))
        },
        golden(
            "sub-plans",
            vec![
                sub_plan("child", &[]),
                with(program("reads", &["child"]), "steps.child.output.result.rows"),
            ],
        ),
        Golden {
            silent: vec!["child"],
            failing: vec![("b", 1)],
            ..golden(
                "a sub-plan is closed at the end of a drain",
                vec![sub_plan("child", &[]), program("b", &[])],
            )
        },
        Golden {
            silent: vec!["child"],
            deeds: vec![(1, Deed::Recover), (1, Deed::ByOther(OtherRun::Parent))],
            ..golden(
                "cancel reaches down",
                vec![sub_plan("child", &[]), program("b", &[]), program("c", &[])],
            )
        },
        Golden {
            deeds: vec![
                (1, Deed::Vote("gate", 0, Verdict::Approved)),
                (1, Deed::Vote("gate", 1, Verdict::Approved)),
                (1, Deed::Vote("gate", 1, Verdict::Approved)),
                (1, Deed::Vote("gate", 1, Verdict::Rejected)),
                (1, Deed::Vote("gate", 2, Verdict::Approved)),
            ],
            ..golden(
                "two approve",
                vec![
                    program("a", &[]),
                    approval("gate", 2, &["a"]),
                    with(program("b", &["gate"]), "steps.gate.output"),
                ],
            )
        },
        Golden {
            deeds: vec![(1, Deed::Vote("gate", 1, Verdict::Rejected))],
            ..golden(
                "one refuses",
                vec![program("a", &[]), approval("gate", 2, &["a"]), program("b", &["gate"])],
            )
        },
        golden("nobody votes", vec![program("a", &[]), approval("gate", 1, &["a"])]),
        Golden {
            deeds: vec![
                (0, Deed::Send("go", json!({ "n": 1.0 }))),
                (1, Deed::Pass(70_000)),
                (1, Deed::Send("other", json!(2))),
            ],
            ..golden("waits, and a signal that came early", waits())
        },
        Golden {
            deeds: vec![(1, Deed::Send("go", json!(1))), (1, Deed::Send("go", json!(2)))],
            ..golden(
                "signals",
                vec![
                    program("a", &[]),
                    signal("first", "go", &["a"]),
                    signal("second", "go", &["a"]),
                    program("b", &["first", "second"]),
                ],
            )
        },
        Golden {
            failing: vec![("b", 9)],
            deeds: vec![(2, Deed::Resume), (2, Deed::Cancel)],
            ..hold(golden("hold, and resume as fail", way_out_short()))
        },
        Golden {
            failing: vec![("b", 9)],
            deeds: vec![(2, Deed::Skip("b"))],
            ..hold(golden("hold and skip", chain()))
        },
        Golden {
            failing: vec![("b", 1)],
            deeds: vec![(2, Deed::Retry("b"))],
            ..hold(golden("hold and retry", chain()))
        },
        Golden { failing: vec![("b", 9)], ..hold(golden("a hold expires", way_out_short())) },
        Golden {
            failing: vec![("fails", 9), ("many.1.compensate", 1), ("second.compensate", 9)],
            ..golden("the way out", way_out())
        },
        Golden { deeds: vec![(5, Deed::Cancel)], ..golden("the way out of a cancel", way_out()) },
        Golden {
            failing: vec![("fails", 9)],
            silent: vec!["second.compensate"],
            ..golden("compensations take too long", way_out())
        },
        Golden {
            failing: vec![("notify", 9)],
            ..golden(
                "only `finally` fails",
                vec![
                    undone(program("a", &[])),
                    finally(program("notify", &[])),
                    finally(program("after", &["notify"])),
                ],
            )
        },
        golden(
            "maps, floats and 1.0",
            vec![
                program("a", &[]),
                with(
                    noop("b", &["a"]),
                    "{'output': {'rows': steps.a.output.rows.map(x, x * 2.0), 'one': 1.0, 'big': 1e21, 'z': 0.1 + 0.2, 'a': steps.a.output.rows.filter(x, x > 1.0)}}",
                ),
                with(program("c", &["b"]), "steps.b.output"),
            ],
        ),
        Golden {
            start: |start| {
                start.original_run_id = Some(RunId::from_random([8; 16]));
                start.reuse = [step("a"), step("b")].into();
            },
            reused: vec![("a", json!({ "rows": [1.0] })), ("b", json!(null))],
            ..golden(
                "taken over",
                vec![
                    program("a", &[]),
                    undone(program("b", &["a"])),
                    with(program("c", &["b"]), "steps.a.output.rows"),
                ],
            )
        },
        Golden {
            start: |start| start.selection = Some([step("b"), step("c")].into()),
            ..golden(
                "a partial run",
                vec![
                    program("a", &[]),
                    with(program("b", &["a"]), "steps.a.output"),
                    program("c", &["b"]),
                    program("d", &["c"]),
                ],
            )
        },
        gated(),
        Golden {
            deeds: vec![(1, Deed::WorkerLost), (2, Deed::Recover), (3, Deed::EmergencyStop)],
            ..golden("lost, recovered, stopped", five())
        },
        tired(Golden { silent: vec!["c"], ..golden("too long", five()) }, 5_000),
        Golden {
            deeds: vec![(2, Deed::ForceRetry("b", &["a"])), (2, Deed::Skip("d"))],
            ..golden(
                "forced",
                vec![
                    program("a", &[]),
                    with(program("b", &["a"]), "steps.a.output"),
                    program("c", &["b"]),
                    program("d", &["c"]),
                ],
            )
        },
        Golden {
            deeds: vec![(0, Deed::QueueExpired)],
            start: |start| start.start_at = Some(dvt_model::time::Timestamp::from_ms(1_771_290_000_000)),
            ..golden("never begun", chain())
        },
        Golden {
            deeds: vec![(0, Deed::ByOther(OtherRun::Concurrency))],
            ..golden("a newer one of its group", chain())
        },
        golden(
            "conditions",
            vec![
                program("a", &[]),
                when(program("no", &["a"]), "steps.a.attempt > 5"),
                program("left-out", &["no"]),
                when(program("anyway", &["no"]), "!failure()"),
            ],
        ),
    ]
}

fn way_out_short() -> Vec<Step> {
    vec![
        undone(program("a", &[])),
        program("b", &["a"]),
        program("c", &["b"]),
        finally(program("notify", &[])),
    ]
}

/// The approval that a tenant puts before a run.
fn gated() -> Golden {
    let gate = ApprovalGate { role: Role::Operator, min: 1 };
    let mut made = golden("an approval before the run", vec![program("a", &[]), program("b", &["a"])]);
    made.plan = dvt_core::gated(made.plan, &gate);
    made.start = |start| {
        start.approval_gate = Some(ApprovalGate { role: Role::Operator, min: 1 });
        start.initiators = [principal(0)].into();
    };
    made.deeds = vec![
        (1, Deed::Pass(HOUR)),
        (1, Deed::Vote("dvt.approval", 0, Verdict::Approved)),
        (1, Deed::Vote("dvt.approval", 1, Verdict::Approved)),
    ];
    made
}
