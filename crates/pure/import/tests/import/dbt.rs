//! What dbt would do is what the steps of a manifest do, or the report says what they do not.

use crate::corpus::{corpus, text};
use dvt_import::dbt::{self, Form, Options};
use dvt_import::{Imported, Node};
use dvt_plan::diagnostic::Source;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ALL: Options<'static> =
    Options { form: Form::Program, select: None, exclude: None, tests_block: false };

/// A resource with the name at the end of its dotted name, in a file of its own.
fn resource(kind: &str, fqn: &[&str], file: &str, reads: &[&str]) -> (String, Value) {
    let name = fqn.last().unwrap();
    let value = json!({"resource_type": kind, "name": name, "package_name": fqn[0], "fqn": fqn,
        "original_file_path": file, "depends_on": {"nodes": reads}});
    (format!("{kind}.{}.{name}", fqn[0]), value)
}

fn model(name: &str, reads: &[&str]) -> (String, Value) {
    resource("model", &["p", name], &format!("models/{name}.sql"), reads)
}

fn test(name: &str, reads: &[&str], severity: &str) -> (String, Value) {
    let (id, mut value) = resource("test", &["p", name], "models/schema.yml", reads);
    value["config"] = json!({"severity": severity});
    value["test_metadata"] = json!({"name": "unique"});
    (id, value)
}

fn manifest(nodes: Vec<(String, Value)>) -> Value {
    json!({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "project_name": "p"},
        "nodes": nodes.into_iter().collect::<serde_json::Map<_, _>>()})
}

fn import(manifest: &Value, options: &Options<'_>) -> Imported {
    dbt::import(&manifest.to_string(), options).unwrap()
}

/// The plan in its canonical form.
fn plan(imported: &Imported) -> Value {
    let text = imported.text("the source");
    let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: text.clone() });
    let checked = outcome.checked.unwrap_or_else(|| panic!("{:#?}\n{text}", outcome.diagnostics));
    let stats = dvt_plan::stats::of(&checked);
    assert_eq!(stats.source_edges, imported.report.source_edges, "{text}");
    checked.canonical.value().clone()
}

/// How many of this kind the report names, and the first words of why.
fn told<'i>(imported: &'i Imported, what: &str) -> (u64, &'i str) {
    let mut of = imported.report.lost.iter().filter(|loss| loss.what == what);
    let first = of.next().map_or((0, ""), |loss| (loss.count, loss.why));
    assert!(of.next().is_none(), "{what} is told twice: {:?}", imported.report.lost);
    first
}

fn needs(plan: &Value, step: &str) -> Vec<String> {
    let needs = plan["steps"][step]["needs"].as_array().cloned().unwrap_or_default();
    needs.iter().map(|need| need.as_str().unwrap().to_owned()).collect()
}

/// `a <- b <- c`, a test of `a`, one of `a` that only warns, one of `a` and `b`, one of `a` and `x`, and one of `c` alone.
fn tested() -> Value {
    manifest(vec![
        model("a", &[]),
        model("x", &[]),
        model("b", &["model.p.a"]),
        model("c", &["model.p.b"]),
        model("d", &["model.p.c", "model.p.x"]),
        test("of_a", &["model.p.a"], "ERROR"),
        test("warns", &["model.p.a"], "WARN"),
        test("of_both", &["model.p.a", "model.p.b"], "error"),
        test("of_apart", &["model.p.a", "model.p.x"], "error"),
        test("of_d", &["model.p.d"], "error"),
    ])
}

#[test]
fn tests_that_hold_nothing_back_are_told() {
    let imported = import(&tested(), &ALL);
    let plan = plan(&imported);
    assert_eq!(needs(&plan, "model_p_b"), ["model_p_a"]);
    let (count, why) = told(&imported, "test");
    assert_eq!(count, 3, "of_a, of_both and of_apart: {:?}", imported.report.lost);
    assert!(why.contains("--tests-block"), "{why}");
    // Control: where nothing reads what is tested, nothing would wait.
    let alone = manifest(vec![model("a", &[]), test("of_a", &["model.p.a"], "error")]);
    assert_eq!(told(&import(&alone, &ALL), "test").0, 0);
}

#[test]
fn tests_hold_back_what_dbt_build_holds_back() {
    let imported = import(&tested(), &Options { tests_block: true, ..ALL });
    let whole = plan(&imported);
    assert_eq!(needs(&whole, "model_p_b"), ["model_p_a", "test_p_of_a", "test_p_warns"]);
    // Of two parents that read each other the lower one counts.
    assert_eq!(needs(&whole, "model_p_c"), ["model_p_b", "test_p_of_both"]);
    // Of two that do not, both have to lie above.
    assert_eq!(needs(&whole, "model_p_d"), ["model_p_c", "model_p_x", "test_p_of_apart"]);
    assert_eq!(needs(&whole, "test_p_of_d"), ["model_p_d"]);
    assert_eq!(told(&imported, "test").0, 0);
    // Through what is not selected, and without tests that are not.
    let options = Options { exclude: Some("b of_a"), tests_block: true, ..ALL };
    let part = plan(&import(&tested(), &options));
    assert_eq!(needs(&part, "model_p_c"), ["model_p_a", "test_p_warns"]);
}

#[test]
fn every_manifest_of_the_corpus_has_an_order_with_its_tests() {
    let Some(folder) = corpus("dbt/manifest") else { return };
    for name in ["jaffle_dbt1.11_v12.json.gz", "bouncer_dbt1.12_v12.json.gz", "jaffle_dbt1.0_v4.json.gz"] {
        let text = text(&folder.join(name));
        let import = |tests_block| dbt::import(&text, &Options { tests_block, ..ALL }).unwrap();
        let (plain, blocked) = (import(false), import(true));
        plan(&blocked);
        let added = blocked.report.source_edges - plain.report.source_edges;
        println!("{name}: {} tests hold back, by {added} edges", told(&plain, "test").0);
        assert!(added > 0 && told(&plain, "test").0 > 0 && told(&blocked, "test").0 == 0, "{name}");
    }
}

/// What a step hands to dbt.
fn selections(imported: &Imported) -> Vec<(String, String)> {
    let steps = imported.plan.get("steps").unwrap().entries().to_vec();
    let selection = |step: &Node| match step.get("env")?.get("DBT_SELECTION")? {
        Node::Text(text) => Some(text.clone()),
        _ => None,
    };
    steps.into_iter().filter_map(|(id, step)| Some((id, selection(&step)?))).collect()
}

/// What our own selector, which is held to dbt's answers, selects by it of what the verb of a step does.
fn selected(manifest: &str, selection: &str, kind: &str) -> BTreeSet<String> {
    let options = Options { form: Form::Simulated, select: Some(selection), ..ALL };
    let steps = dbt::import(manifest, &options).unwrap().plan.get("steps").unwrap().entries().to_vec();
    steps.into_iter().map(|(id, _)| id).filter(|id| id.starts_with(kind)).collect()
}

#[test]
fn each_step_selects_its_one_node() {
    let nodes = vec![
        // The model, the folder beside it, and one that only begins alike.
        resource("model", &["p", "orders"], "models/orders.sql", &[]),
        resource("model", &["p", "orders", "daily"], "models/orders/daily.sql", &[]),
        resource("model", &["p", "orders-x"], "models/orders-x.sql", &[]),
        // A test of the name of a model: the model brings its own.
        resource("test", &["p", "orders"], "tests/orders.sql", &["model.p.orders"]),
        test("unique_orders", &["model.p.orders"], "error"),
        // The same in another package, whose paths are not those of the project.
        resource("model", &["q", "stage"], "models/stage.sql", &[]),
        resource("model", &["q", "stage", "raw"], "models/stage/raw.sql", &[]),
        // Names with dots are folders to dbt.
        resource("seed", &["p", "codes"], "seeds/codes.csv", &[]),
        resource("seed", &["p", "codes.iso"], "seeds/codes.iso.csv", &[]),
    ];
    let manifest = manifest(nodes);
    let imported = import(&manifest, &ALL);
    plan(&imported);
    let selections = selections(&imported);
    let of =
        |step: &str| selections.iter().find(|(id, _)| id == step).map(|(_, selection)| selection.as_str());
    assert_eq!(of("model_p_orders"), Some("fqn:p.orders,path:models/orders.sql"));
    assert_eq!(of("model_q_stage"), Some("fqn:q.stage,file:stage.sql"));
    assert_eq!(of("model_p_daily"), Some("fqn:p.orders.daily"));
    assert_eq!(of("model_p_orders-x"), Some("fqn:p.orders-x"));
    assert_eq!(of("test_p_orders"), Some("fqn:p.orders,path:tests/orders.sql"));
    assert_eq!(of("test_p_unique_orders"), Some("fqn:p.unique_orders"));
    assert_eq!(imported.report.missing, 0);
    for (id, selection) in &selections {
        let kind = format!("{}_", id.split('_').next().unwrap());
        assert_eq!(selected(&manifest.to_string(), selection, &kind), [id.clone()].into(), "{selection}");
    }
    // Control: the name alone is more than one.
    assert_eq!(selected(&manifest.to_string(), "fqn:p.orders", "model_").len(), 2);
    assert_eq!(selected(&manifest.to_string(), "fqn:p.orders", "test_").len(), 2);
}

#[test]
fn a_node_that_no_selection_has_alone_says_so() {
    let nodes = vec![
        resource("snapshot", &["p", "s"], "snapshots/all of them.sql", &[]),
        resource("snapshot", &["p", "s", "t"], "snapshots/all of them.sql", &[]),
    ];
    let imported = import(&manifest(nodes), &ALL);
    assert_eq!((imported.report.missing, told(&imported, "fqn").0), (1, 1));
    assert_eq!(selections(&imported), [("snapshot_p_t".to_owned(), "fqn:p.s.t".to_owned())]);
}

#[test]
fn every_step_of_a_real_manifest_selects_its_one_node() {
    let Some(folder) = corpus("dbt/manifest") else { return };
    let manifest = text(&folder.join("jaffle_dbt1.11_v12.json.gz"));
    let selections = selections(&dbt::import(&manifest, &ALL).unwrap());
    assert_eq!(selections.len(), 47);
    for (id, selection) in selections {
        let kind = format!("{}_", id.split('_').next().unwrap());
        assert_eq!(selected(&manifest, &selection, &kind), [id].into(), "{selection}");
    }
}

/// dbt ends well where a test that warns finds rows: what a program's step would hide is an error. Control: what only pretends to work is
/// told by a test of the plan how it ends, and that is a warning.
#[test]
fn a_test_that_warns_hides_no_error() {
    let nodes = || manifest(vec![model("a", &[]), test("warns", &["model.p.a"], "WARN")]);
    let goes_on = |form| {
        plan(&import(&nodes(), &Options { form, ..ALL }))["steps"]["test_p_warns"]["continueOnError"].clone()
    };
    assert_eq!(goes_on(Form::Program), Value::Null);
    assert_eq!(goes_on(Form::Simulated), true);
}

#[test]
fn a_step_has_the_time_of_a_run_and_that_is_told_once() {
    let imported = import(&manifest(vec![model("a", &[]), model("b", &[])]), &ALL);
    assert_eq!(plan(&imported)["defaults"]["timeout"], 86_400_000);
    assert_eq!(told(&imported, "timeout").0, 1);
    let simulated = import(&manifest(vec![model("a", &[])]), &Options { form: Form::Simulated, ..ALL });
    assert_eq!((told(&simulated, "timeout").0, &plan(&simulated)["defaults"]), (0, &Value::Null));
}

#[test]
fn what_has_no_step_is_told_with_why() {
    let mut manifest = manifest(vec![
        model("a", &["function.p.f"]),
        resource("sql operation", &["p", "odd"], "models/odd.sql", &[]),
    ]);
    let (id, function) = resource("function", &["p", "f"], "functions/f.sql", &[]);
    manifest["functions"] = json!({id: function});
    let (id, unit) = resource("unit_test", &["p", "a", "u"], "models/u.yml", &["model.p.a"]);
    manifest["unit_tests"] = json!({id: unit});
    manifest["wonders"] = json!({"wonder.p.w": {}});
    manifest["docs"] = json!({"doc.p.d": {}});
    let imported = import(&manifest, &ALL);
    assert_eq!(
        told(&imported, "function"),
        (1, "`dbt build` makes it; the plan has no step for it, so it must be there")
    );
    assert_eq!(
        told(&imported, "unit_test"),
        (1, "`dbt build` and `dbt test` run it; the plan has no step for it")
    );
    assert_eq!(told(&imported, "other"), (1, "what dbt does with it is not known here, so there is no step"));
    assert_eq!(told(&imported, "section").0, 1);
    assert_eq!(told(&imported, "depends_on").0, 0, "the function is there");
    assert!(imported.report.lost.iter().all(|loss| loss.named.iter().all(|named| named.contains(" at 1:"))));
}
