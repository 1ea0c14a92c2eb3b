//! The tools around a plan: `init`, `lint --fix|--security|--sarif`, `plan graph|diff`.

use crate::home::Home;

const FOREIGN: &str = "# mine\napiVersion: dvt/v1\nname: demo\nsteps:\n  a:\n    run: [load]\n    timeout-minutes: 5   # enough\n";

#[test]
fn what_init_writes_is_clean_and_runs() {
    let home = Home::new();
    assert_eq!(home.dvt(&["init"]).ends(0).out, "plan.yaml\n");
    let told = home.dvt(&["lint", "plan.yaml", "--security", "--strict"]).ends(0);
    assert_eq!(told.err, "");
    let run = home.dvt(&["run", "plan.yaml", "--allow-host", "-i", "who=ana", "--output", "json"]).ends(0);
    assert!(run.out.contains("COMPLETED"), "{}", run.out);
    // What exists stays as it is.
    std::fs::write(home.path("plan.yaml"), "mine").unwrap();
    assert!(home.dvt(&["init"]).ends(2).err.contains("not written over"));
    assert_eq!(std::fs::read_to_string(home.path("plan.yaml")).unwrap(), "mine");
}

#[test]
fn fix_writes_the_file_once_and_keeps_comments() {
    let home = Home::new();
    let plan = home.plan("demo", FOREIGN);
    home.dvt(&["lint", &plan]).ends(2);
    let told = home.dvt(&["lint", &plan, "--fix"]).ends(0);
    assert!(told.err.contains("`timeout-minutes` of `a` is `timeout` here"), "{}", told.err);
    let text = std::fs::read_to_string(home.path("demo.yaml")).unwrap();
    assert_eq!(text, FOREIGN.replace("timeout-minutes: 5", "timeout: 5m"));
    let again = home.dvt(&["lint", &plan, "--fix"]).ends(0);
    assert_eq!(again.err, "");
    assert_eq!(std::fs::read_to_string(home.path("demo.yaml")).unwrap(), text);
    let left: Vec<_> =
        std::fs::read_dir(home.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{left:?}");
}

#[test]
fn exit_codes_follow_severity() {
    let home = Home::new();
    let plan = home.plan("loose", "apiVersion: dvt/v1\nname: demo\nsteps:\n  a: { run: [load] }\n");
    assert_eq!(home.dvt(&["lint", &plan, "--strict"]).ends(0).err, "");
    let told = home.dvt(&["lint", &plan, "--security"]).ends(0);
    assert!(told.err.contains("warning[DVT-S004]"), "{}", told.err);
    home.dvt(&["lint", &plan, "--security", "--strict"]).ends(2);
    assert!(home.dvt(&["explain", "DVT-S004"]).ends(0).out.starts_with("# DVT-S004"));
}

#[test]
fn sarif_has_the_shape_that_code_hosts_read() {
    let home = Home::new();
    let wrong =
        home.plan("a b", "apiVersion: dvt/v1\nname: demo\nsteps:\n  ü: { run: [load], needs: gone }\n");
    let log = home.dvt(&["lint", &wrong, "--security", "--sarif"]).ends(2).json();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules: Vec<_> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 2, "{log}");
    for result in results {
        assert!(rules.contains(&&result["ruleId"]), "{result}");
        assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b.yaml");
        assert_eq!(place["region"]["startLine"], 4);
        assert!(place["region"]["endColumn"].as_u64() > place["region"]["startColumn"].as_u64(), "{place}");
    }
    let clean = home.plan("clean", crate::home::QUICK);
    assert_eq!(
        home.dvt(&["lint", &clean, "--sarif"]).ends(0).json()["runs"][0]["results"],
        serde_json::json!([])
    );
}

#[test]
fn graphs_and_differences() {
    let home = Home::new();
    let old = home.plan("old", "apiVersion: dvt/v1\nname: demo\nsteps:\n  a: { run: [load] }\n");
    let new = home.plan(
        "new",
        "apiVersion: dvt/v1\nname: demo\nsteps:\n  a: { run: [load] }\n  b: { needs: a, run: [rm] }\n",
    );
    assert!(home.dvt(&["plan", "graph", &new]).ends(0).out.starts_with("flowchart TD\n"));
    assert!(home.dvt(&["plan", "graph", &new, "--as", "svg"]).ends(0).out.starts_with("<svg "));
    let told = home.dvt(&["plan", "diff", &old, &new]).ends(0);
    assert_eq!(
        told.out,
        "wider rights\n  + steps.b.run: [\"rm\"]\nother changes\n  + steps.b.needs: [\"a\"]\n"
    );
    home.dvt(&["plan", "diff", &old, &new, "--refuse-wider"]).ends(6);
    home.dvt(&["plan", "diff", &new, &old, "--refuse-wider"]).ends(0);
    assert_eq!(home.dvt(&["plan", "diff", &old, &old]).ends(0).out, "no difference\n");
}

/// What packed files hold, and what a sub-plan does, is what runs; and what nothing shows to be no wider is refused as well.
#[test]
fn a_difference_that_may_be_wider_is_refused() {
    let home = Home::new();
    for side in ["a", "b"] {
        std::fs::create_dir(home.path(side)).unwrap();
        let plan = "apiVersion: dvt/v1\nname: demo\nfiles: ['*.py']\nsteps:\n  a: { run: [python3, x.py] }\n  b: { plan: ./child.yaml }\n";
        std::fs::write(home.path(&format!("{side}/plan.yaml")), plan).unwrap();
        let child = "apiVersion: dvt/v1\nname: child\nsteps:\n  c: { run: [echo] }\n";
        std::fs::write(home.path(&format!("{side}/child.yaml")), child).unwrap();
        std::fs::write(home.path(&format!("{side}/x.py")), "print(1)").unwrap();
    }
    let diff = ["plan", "diff", "a/plan.yaml", "b/plan.yaml", "--refuse-wider"];
    assert_eq!(home.dvt(&diff).ends(0).out, "no difference\n");
    let change = |file: &str, from: &str, to: &str| {
        let file = home.path(file);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from));
        std::fs::write(file, text.replace(from, to)).unwrap();
    };
    change("b/x.py", "print(1)", "print(2)");
    let told = home.dvt(&diff).ends(6).out;
    assert!(told.starts_with("wider rights\n  ~ filesDigest: "), "{told}");
    change("b/x.py", "print(2)", "print(1)");
    change("b/child.yaml", "[echo]", "[rm]");
    let told = home.dvt(&diff).ends(6).out;
    assert_eq!(told, "wider rights\n  ~ steps.b.plan.steps.c.run: [\"echo\"] → [\"rm\"]\n");
    change("b/child.yaml", "[rm]", "[echo]");
    change("b/plan.yaml", "run: [python3, x.py]", "run: [python3, x.py], env: { A: b }");
    let told = home.dvt(&diff).ends(6).out;
    assert_eq!(told, "possibly wider rights\n  + steps.a.env: {\"A\":\"b\"}\n");
    // What cannot be packed cannot be compared.
    std::fs::remove_file(home.path("b/x.py")).unwrap();
    assert!(home.dvt(&diff).ends(2).err.contains("matches nothing"));
}
