//! `dvt import` and `dvt plan stats`: what is imported is what the examples show, and it runs.

use crate::home::{Home, repository};

#[test]
fn the_plans_of_the_examples_are_what_is_imported() {
    let home = Home::new();
    let forms: [(&str, &[&str]); 4] = [
        ("dbt-shop", &["import", "dbt", "@manifest.json", "--as", "simulated"]),
        ("forkjoin", &["import", "wfcommons", "@instance.json"]),
        ("argo-coin", &["import", "argo", "@workflow.yaml"]),
        ("github-build", &["import", "github", "@workflow.yaml"]),
    ];
    for (name, words) in forms {
        let folder = repository().join("examples").join(name);
        let words: Vec<String> = words
            .iter()
            .map(|word| {
                word.strip_prefix('@')
                    .map_or((*word).to_owned(), |file| folder.join(file).display().to_string())
            })
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let told = home.dvt(&words).ends(0);
        assert_eq!(told.out, std::fs::read_to_string(folder.join("plan.yaml")).unwrap(), "{name}");
        assert!(told.err.contains("not kept: "), "{told:#?}");
    }
}

/// By itself a plan of dbt has the edges of the manifest, and the report says what `dbt build` would hold back.
#[test]
fn tests_of_dbt_hold_back_what_is_asked_to_be() {
    let home = Home::new();
    let manifest = repository().join("examples/dbt-shop/manifest.json").display().to_string();
    let words = ["import", "dbt", manifest.as_str(), "--as", "simulated"];
    let told = home.dvt(&words).ends(0);
    assert!(told.out.contains("needs: [model_shop_orders, model_shop_stg_customers]"), "{told:#?}");
    assert!(told.err.contains("--tests-block") && told.err.contains("unique_orders_order_id"), "{told:#?}");
    let blocked = home.dvt(&[words.as_slice(), &["--tests-block"]].concat()).ends(0);
    let needs = "needs: [model_shop_orders, model_shop_stg_customers, test_shop_unique_orders_order_id_1]";
    assert!(blocked.out.contains(needs) && !blocked.err.contains("--tests-block"), "{blocked:#?}");
    assert!(home.dvt(&["import", "dbt", "--help"]).ends(0).out.contains("--tests-block"));
}

#[test]
fn a_file_that_exists_stays_and_bad_input_says_what_it_is() {
    let home = Home::new();
    let manifest = repository().join("examples/dbt-shop/manifest.json").display().to_string();
    let out = home.path("plan.yaml").display().to_string();
    let told = home
        .dvt(&["import", "dbt", &manifest, "--select", "+orders", "stg_customers", "--out", &out])
        .ends(0);
    assert_eq!(told.out.trim(), out);
    let shape = home.dvt(&["plan", "stats", &out, "--output", "json"]).ends(0).json();
    assert_eq!((shape["steps"].as_u64(), shape["sourceEdges"].as_u64()), (Some(7), Some(5)), "{shape}");
    assert!(home.dvt(&["plan", "stats", &out]).ends(0).out.contains("widest level"));
    let told = home.dvt(&["import", "dbt", &manifest, "--out", &out]).ends(2);
    assert!(told.err.contains("is not written over"), "{told:#?}");
    let told = home.dvt(&["import", "dbt", &manifest, "--select", "state:modified"]).ends(2);
    assert!(told.err.contains("no method that is known here"), "{told:#?}");
    let told = home.dvt(&["import", "wfcommons", &manifest]).ends(2);
    assert!(told.err.contains("it is no WfCommons instance"), "{told:#?}");
    let wrong = home.plan("wrong", "steps: {}\n");
    assert!(home.dvt(&["plan", "stats", &wrong]).ends(2).err.contains("INVALID_PLAN_SCHEMA"));
}
