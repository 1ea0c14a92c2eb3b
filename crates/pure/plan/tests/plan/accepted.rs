//! Good plans: no error, and what was stored reads as what was written.

use crate::{Children, catalogue, lint, surroundings};
use dvt_model::digest::Digest;
use dvt_model::id::StepId;
use dvt_plan::plan::{Form, RetryOn, Shell};
use dvt_plan::template::TemplateValue;

fn step(id: &str) -> StepId {
    StepId::parse(id).unwrap()
}

#[test]
fn good_plans_are_accepted_without_a_word() {
    let plans = catalogue("accepted", &["yaml", "json"]);
    assert!(plans.len() >= 5);
    for (path, text) in plans {
        let outcome = lint("plan.yaml", &text);
        let told: Vec<_> = outcome.diagnostics.iter().filter(|one| one.code != "DVT-P022").collect();
        assert!(told.is_empty(), "{}: {told:#?}", path.display());
        assert!(outcome.checked.is_some(), "{}", path.display());
    }
}

#[test]
fn what_is_stored_reads_as_what_was_written() {
    for (path, text) in catalogue("accepted", &["yaml", "json"]) {
        let checked = lint("plan.yaml", &text).checked.unwrap();
        let children = Children { stored: checked.sub_plans.clone() };
        let load = |document| dvt_plan::load_with(document, &surroundings(&text, &children)).unwrap();
        let again = load(checked.canonical.value());
        assert_eq!(format!("{:#?}", checked.plan), format!("{again:#?}"), "{}", path.display());
        // The stored text is YAML as well as JSON, and its digest is that of the document.
        let bytes = dvt_model::canonical::to_bytes(checked.canonical.value()).unwrap();
        assert_eq!(checked.digest(), Digest::of(&bytes));
        assert_eq!(dvt_plan::digest_of(&dvt_model::canonical::parse(&bytes).unwrap()), checked.digest());
        let packed = checked.clone().with_files(Digest::of(b"files"));
        assert_ne!(packed.digest(), checked.digest());
        let again = load(packed.canonical.value());
        assert_eq!(format!("{:#?}", packed.plan), format!("{again:#?}"), "{}", path.display());
    }
}

#[test]
fn the_digest_is_of_what_was_meant_not_of_how_it_was_typed() {
    let digest = |text: &str| lint("plan.yaml", text).checked.unwrap().digest().hex();
    let yaml = "apiVersion: dvt/v1\nname: a\nsteps:\n  x: { run: [echo, '1'], needs: y, timeout: 1m }\n  y: { run: [echo] }\n";
    let json = r#"{"name":"a","steps":{"y":{"run":["echo"]},"x":{"timeout":"60s","needs":["y"],"run":["echo","1"]}},"apiVersion":"dvt/v1"}"#;
    assert_eq!(digest(yaml), digest(json));
    assert_ne!(digest(yaml), digest(&yaml.replace("1m", "2m")));
    assert_ne!(digest(yaml), digest(&yaml.replace("'1'", "1")), "a number is no string");
    assert_ne!(digest(yaml), digest(&format!("{yaml}onStepFailure: fail\n")), "defaults are not filled in");
}

#[test]
fn the_orders_plan_means_what_it_says() {
    let (_, text) = catalogue("accepted", &["yaml"])
        .into_iter()
        .find(|(path, _)| path.ends_with("orders-etl.yaml"))
        .unwrap();
    let checked = lint("plan.yaml", &text).checked.unwrap();
    let plan = &checked.plan;
    assert_eq!(plan.name.as_str(), "orders-etl");
    assert_eq!((plan.max_duration_ms, plan.max_parallel), (7_200_000, 8));
    let layers: Vec<(&str, u32)> = plan.steps.keys().map(|id| (id.as_str(), plan.layer(id))).collect();
    assert_eq!(
        layers,
        [
            ("check", 1),
            ("cool-down", 3),
            ("customers", 0),
            ("load", 4),
            ("notify", 5),
            ("orders", 0),
            ("transform", 2)
        ]
    );
    assert_eq!(plan.dependants(&step("check")).collect::<Vec<_>>(), [&step("transform")]);
    let load = &plan.steps[&step("load")];
    assert_eq!(load.retry.max, 3);
    assert_eq!(*load.retry.on, [RetryOn::Timeout, RetryOn::Transient, RetryOn::Exit(vec![75, 111])]);
    assert_eq!(load.timeout_ms, Some(600_000));
    assert_eq!(load.condition.as_ref().unwrap().source(), "size(inputs.regions) > 0");
    assert!(matches!(load.with, Some(TemplateValue::Object(_))));
    assert_eq!(plan.steps[&step("cool-down")].timeout_ms, None);
    assert!(matches!(plan.steps[&step("cool-down")].form, Form::Wait { duration_ms: 90_000 }));
    assert!(matches!(&plan.steps[&step("transform")].form, Form::Script { shell: Shell::Bash, .. }));
    // Five programs of three attempts, one of four, and one wait.
    assert_eq!((checked.bounds.steps, checked.bounds.attempts, checked.bounds.parallel), (7, 20, 7));
    // Past two hours the clock stands for the wait; then the longest attempt ends, and the conditional step runs.
    let conditional = 3 * 600_000 + 1_000 + 2_000;
    let longest = 7_200_000 + 10_000 + 90_000 + 600_000 + conditional;
    assert!(checked.bounds.duration_ms <= longest, "{}", checked.bounds.duration_ms);
}

#[test]
fn references_imply_needs() {
    let (_, text) =
        catalogue("accepted", &["yaml"]).into_iter().find(|(path, _)| path.ends_with("joins.yaml")).unwrap();
    let plan = lint("plan.yaml", &text).checked.unwrap().plan;
    let needs: Vec<&str> = plan.steps[&step("w")].needs.iter().map(StepId::as_str).collect();
    assert_eq!(needs, ["x", "y"]);
    assert_eq!(plan.dependants(&step("z")).map(StepId::as_str).collect::<Vec<_>>(), ["v", "x", "y"]);
}

#[test]
fn a_stored_document_that_is_no_plan_is_refused() {
    for document in [
        serde_json::json!(null),
        serde_json::json!({"apiVersion": "dvt/v1"}),
        serde_json::json!({"apiVersion": "dvt/v1", "name": "a", "steps": {"a": {"run": ["x"], "needs": ["a"]}}}),
    ] {
        assert!(dvt_plan::load(&document).is_err(), "{document}");
    }
}

/// DVT-P022: whatever may begin with a dash is warned about, and nothing else.
#[test]
fn arguments_that_may_begin_with_a_dash_are_warned_about() {
    let warns = |argument: &str| {
        let text = format!(
            "apiVersion: dvt/v1\nname: a\ninputs:\n  z: {{ type: string }}\n  y: {{ type: string, default: a }}\n  p: {{ type: string, pattern: '^[[:alpha:]-]x$' }}\n  e: {{ enum: ['', a] }}\n  s: {{ type: string, pattern: '^[a-z]+$' }}\nsteps: {{ a: {{ run: [grep, \"{argument}\"] }}, b: {{ run: [x], output: json }} }}\n"
        );
        let outcome = lint("plan.yaml", &text);
        assert!(outcome.checked.is_some(), "{argument}: {:#?}", outcome.diagnostics);
        outcome.diagnostics.iter().any(|one| one.code == "DVT-P022")
    };
    for argument in [
        "${{ inputs.z }}",
        "${{ '' + inputs.z }}",
        "${{ 'a' == inputs.y ? inputs.z : 'b' }}",
        "${{ hash(1) == '' ? 'q' : inputs.z }}",
        "${{ '' }}${{ inputs.z }}",
        "${{ inputs.e }}${{ inputs.z }}",
        "${{ inputs.p }}",
        "${{ '' }}-x",
        "${{ '-' + inputs.s }}",
        "${{ 1 - 2 }}",
        "${{ steps.b.output.status }}",
    ] {
        assert!(warns(argument), "{argument}");
    }
    for argument in [
        "${{ inputs.s }}",
        "${{ 'a' + inputs.z }}",
        "${{ hash(inputs.z) }}",
        "${{ inputs.y == 'a' }}",
        "${{ inputs.y == 'a' ? 'q' : inputs.s }}",
        "${{ '' }}${{ inputs.s }}",
        "${{ run.id }}",
        "${{ plan.name }}",
        "${{ plan.id }}",
        "${{ plan.digest }}",
        "${{ plan.version }}",
        "${{ steps.b.status }}",
        "${{ steps.b.attempt }}",
        "x${{ inputs.z }}",
    ] {
        assert!(!warns(argument), "{argument}");
    }
}
