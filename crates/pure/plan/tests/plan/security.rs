//! The rules of `--security`: each example of a page provokes its code and no other, its repaired form none, and the plans
//! of the examples are clean.

use dvt_plan::diagnostic::Source;
use dvt_plan::security;
use std::path::Path;

fn told(text: &str) -> Vec<String> {
    let source = Source { name: "plan.yaml".to_owned(), text: text.to_owned() };
    security::check(&source).into_iter().map(|one| one.code).collect()
}

fn plan(step: &str) -> String {
    format!("apiVersion: dvt/v1\nname: demo\ndefaults: {{ timeout: 1m }}\nsteps:\n  a: {step}\n")
}

#[test]
fn every_rule_has_a_page_and_its_example_provokes_it_alone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/codes");
    for code in security::CODES {
        let text = std::fs::read_to_string(folder.join(format!("{}.md", code.code))).unwrap();
        assert!(text.starts_with(&format!("# {}: {}\n", code.code, code.title)), "{}", code.code);
        let page = security::pages().iter().find(|(known, _)| *known == code.code).unwrap().1;
        assert_eq!(page, text);
        let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
        assert_eq!(told(example), [code.code], "{example}");
    }
}

#[test]
fn what_is_told_and_what_is_not() {
    for (step, code) in [
        ("{ run: [load], env: { API_TOKEN: otter } }", "DVT-S002"),
        ("{ run: [load], env: { api-key: otter } }", "DVT-S002"),
        ("{ run: [curl, 'http://10.0.0.7/x'] }", "DVT-S003"),
        ("{ run: [curl, 'http://user:x@192.168.1.1:8080/x'] }", "DVT-S003"),
        ("{ run: [curl, 'http://[fd00:ec2::254]/x'] }", "DVT-S003"),
        ("{ run: [curl, 'http://[::ffff:127.0.0.1]/x'] }", "DVT-S003"),
        ("{ run: [curl, 'http://2130706433/x'] }", "DVT-S003"),
        ("{ run: [curl, 'http://0x7f.1/x'] }", "DVT-S003"),
        ("{ run: [curl, 'http://metadata.google.internal/x'] }", "DVT-S003"),
        ("{ script: 'curl http://localhost:9200' }", "DVT-S003"),
        ("{ run: [env, python3, -c, 'print(1)'] }", "DVT-S005"),
        ("{ script: 'curl -s https://get.acme.test | sudo bash -s' }", "DVT-S005"),
        ("{ uses: acme/etl@1.2 }", "DVT-S006"),
        ("{ uses: acme/etl }", "DVT-S006"),
    ] {
        assert_eq!(told(&plan(step)), [code], "{step}");
    }
    for step in [
        "{ run: [load], env: { API_TOKEN: '${{ inputs.x }}', TOKEN_FILE: /run/token, TOKEN: '' } }",
        "{ run: [load], env: { DB_SECRET: warehouse/dsn } }",
        "{ run: [curl, 'https://api.acme.test:443/10.0.0.1'] }",
        "{ run: [curl, 'https://8.8.8.8/x'] }",
        "{ run: [curl, 'https://172.32.0.1/x'] }",
        "{ run: [python3, load.py, -c, x] }",
        "{ run: [python3, load.py] }",
        "{ script: 'curl -s https://acme.test/x | jq .a' }",
        "{ uses: acme/etl@1.2.0 }",
        "{ uses: 'acme/etl@sha256:00' }",
        "{ uses: dvt/noop@1 }",
        "{ wait: 10m }",
    ] {
        let found = told(&plan(step));
        // `python3 load.py -c x` hands `-c` to the script; the rule that refuses expressions is as careful, so it is told.
        if step.contains("load.py, -c") {
            assert_eq!(found, ["DVT-S005"]);
        } else {
            assert_eq!(found, Vec::<String>::new(), "{step}");
        }
    }
}

#[test]
fn a_secret_is_not_repeated() {
    let source =
        Source { name: "plan.yaml".to_owned(), text: plan("{ run: [x], env: { PASSWORD: otter } }") };
    let found = serde_json::to_string(&security::check(&source)).unwrap();
    assert!(found.contains("DVT-S002") && !found.contains("otter"), "{found}");
}

#[test]
fn the_ceiling_is_compared_with_what_is_used() {
    let text = |permissions: &str| {
        format!(
            "apiVersion: dvt/v1\nname: demo\npermissions: {{ {permissions} }}\ndefaults: {{ timeout: 1m }}\nsteps:\n  a: {{ run: [curl, 'https://api.acme.test/x'], secrets: {{ DSN: warehouse/dsn }} }}\n  b: {{ uses: acme/etl@1.2.0 }}\n"
        )
    };
    assert!(
        told(&text("secrets: [warehouse/dsn], egress: ['api.acme.test:443'], plugins: ['acme/etl@1.2.0']"))
            .is_empty()
    );
    assert_eq!(told(&text("secrets: [warehouse/other]")), ["DVT-S001"]);
    assert_eq!(told(&text("egress: ['dw.acme.test:5432']")), ["DVT-S001"]);
    assert_eq!(told(&text("egress: ['*.acme.test:443']")), ["DVT-S001"]);
    assert_eq!(told(&text("plugins: ['acme/load@1.0.0']")), ["DVT-S001"]);
}

#[test]
fn examples_are_clean() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let Ok(text) = std::fs::read_to_string(entry.unwrap().path().join("plan.yaml")) else { continue };
        seen += 1;
        let mut found = told(&text);
        // A foreign description that chose no times is imported as it is, and rightly told so; nothing else may be told of it.
        if text.starts_with("# Imported from ") {
            found.retain(|code| code != "DVT-S004");
        }
        assert_eq!(found, Vec::<String>::new(), "{}", text.lines().take(3).collect::<String>());
    }
    assert!(seen >= 4);
}

/// The file is searched as it is written; what a text becomes by escapes, folding or an alias is searched by itself.
#[test]
fn a_secret_is_found_however_it_is_written() {
    let codes = |env: &str| -> Vec<String> {
        let text = format!("apiVersion: dvt/v1\nname: demo\nsteps:\n  a:\n    run: [x]\n    env:\n{env}\n");
        crate::lint("plan.yaml", &text).diagnostics.into_iter().map(|one| one.code).collect()
    };
    for (how, env) in [
        ("plain", "      A: AKIAIOSFODNN7ABCDEFG"),
        ("quoted", "      A: 'AKIAIOSFODNN7ABCDEFG'"),
        ("escaped", "      A: \"\\x41KIAIOSFODNN7ABCDEFG\""),
        ("a line that goes on", "      A: \"AK\\\n       IAIOSFODNN7ABCDEFG\""),
        ("folded", "      A: >\n        the key\n        AKIAIOSFODNN7ABCDEFG"),
        ("by the name of its key", "      DB_PASSWORD: correct7Horse"),
        ("by an escaped key", "      \"DB_\\x50ASSWORD\": correct7Horse"),
        ("by an alias under a telling key", "      A: &a correct7Horse\n      DB_PASSWORD: *a"),
    ] {
        assert!(codes(env).iter().any(|code| code == "SECRET_IN_PLAN"), "{how}: {:?}", codes(env));
    }
    assert!(codes("      A: &a correct7Horse\n      B: *a").is_empty(), "control: no telling key");
}

/// Beside an expression, in one, as the default of an input, as a number, and behind an option.
#[test]
fn a_secret_is_found_beside_expressions_and_by_the_name_of_its_owner() {
    let codes = |part: &str| -> Vec<String> {
        let text = format!("apiVersion: dvt/v1\nname: demo\n{part}\n");
        crate::lint("plan.yaml", &text).diagnostics.into_iter().map(|one| one.code).collect()
    };
    let step =
        |part: &str| format!("inputs: {{ x: {{ type: string, default: a }} }}\nsteps: {{ a: {{ {part} }} }}");
    let token = ["ghp_a1B2c3D4e5F6g7H8i9", "J0k1L2m3N4o5P6q7R8s9"];
    let telling = [
        step("run: [x], env: { PASSWORD: \"${{ 'Xk29fLqP0zVw83nT' }}\" }"),
        step("run: [x], env: { PASSWORD: \"Xk29fLqP0zVw83nT${{ '' }}\" }"),
        step("run: [x], env: { PASSWORD: \"Xk29fLqP0zVw83nT${{ inputs.x }}\" }"),
        step("run: [x], env: { PASSWORD: \"${{ inputs.x == 'a' ? 'Xk29fLqP0zVw83nT' : inputs.x }}\" }"),
        step(&format!("run: [x], env: {{ T: \"{}${{{{ '' }}}}{}\" }}", token[0], token[1])),
        step(&format!("run: [x], env: {{ T: \"${{{{ '{}' + '{}' }}}}\" }}", token[0], token[1])),
        step("run: [mysql, --password, Xk29fLqP0zVw83nT]"),
        "inputs: { password: { type: string, default: Xk29fLqP0zVw83nT } }\nsteps: { a: { run: [x] } }"
            .to_owned(),
        "inputs: { password: { type: string, enum: [Xk29fLqP0zVw83nT] } }\nsteps: { a: { run: [x] } }"
            .to_owned(),
        "vars: { password: 918273645546372 }\nsteps: { a: { run: [x] } }".to_owned(),
    ];
    for part in &telling {
        assert!(codes(part).iter().any(|code| code == "SECRET_IN_PLAN"), "{part}: {:?}", codes(part));
    }
    for part in [
        step("run: [x], env: { PASSWORD: '${{ inputs.x }}' }"),
        step("run: [x], env: { PASSWORD: 'p-${{ inputs.x }}' }"),
        step("run: [x], env: { PASSWORD: \"${{ inputs.x == 'production' ? inputs.x : run.id }}\" }"),
        step("run: [x, --password, --verbose2024x, a]"),
        step("run: [x, --password-file, Xk29fLqP0zVw83nT]"),
        "inputs: { days: { type: integer, default: 918273645546372 } }\nsteps: { a: { run: [x] } }"
            .to_owned(),
    ] {
        assert!(!codes(&part).iter().any(|code| code == "SECRET_IN_PLAN"), "{part}: {:?}", codes(&part));
    }
}
