//! The way out that an error names is one: what is written so is accepted, and says what was meant.

use crate::lint;
use dvt_plan::diagnostic::{Diagnostic, Severity};

fn plan(step: &str) -> String {
    format!(
        "apiVersion: dvt/v1\nname: demo\ninputs: {{ day: {{ type: string }}, full: {{ type: boolean }} }}\nsteps:\n  a:\n    timeout: 1m\n    {step}\n"
    )
}

fn errors(text: &str) -> Vec<Diagnostic> {
    let told = lint("plan.yaml", text).diagnostics.into_iter();
    told.filter(|one| one.severity == Severity::Error).collect()
}

#[test]
fn a_text_that_begins_with_an_exclamation_mark_is_to_be_quoted() {
    for (step, tag) in [
        ("if: !failure()\n    run: [x]", "!failure()"),
        ("if: !failure()   # whatever\n    run: [x]", "!failure()"),
        ("if: !inputs.full\n    run: [x]", "!inputs.full"),
        ("if: &a !failure()\n    run: [x]", "!failure()"),
        ("run: [x, !y, z]", "!y"),
        ("run: [x]\n    env: { A: !b, C: d }", "!b"),
        ("run: [x]\n    needs: !b", "!b"),
        ("run: [x]\n    title: !", "!"),
    ] {
        let text = plan(step);
        let told = errors(&text);
        let [one] = told.as_slice() else { panic!("{step}: {told:?}") };
        assert_eq!(one.code, "DVT-P004");
        assert_eq!(text.get(one.span.start..one.span.end), Some(tag), "{step}");
        assert_eq!(one.fix.as_deref(), Some(format!("'{tag}'").as_str()));
    }
    for value in ["!!str", "!!str x", "!x y"] {
        let told = errors(&plan(&format!("run: [x]\n    env: {{ A: {value} }}")));
        assert!(told.iter().any(|one| one.message == "tags are not part of a plan"), "{value}: {told:?}");
    }
}

#[test]
fn a_command_in_one_text_is_a_list_or_a_script() {
    let list = "   or for a shell   script: |";
    for (text, way) in [
        ("psql -f load.sql", "run: [psql, -f, load.sql]"),
        ("load a:b 1.50 null true 8080", "run: [load, a:b, '1.50', 'null', true, 8080]"),
        (
            "load {a} [b] c, !d '#e' a#b key: @x %y",
            "run: [load, '{a}', '[b]', 'c,', '!d', '#e', 'a#b', 'key:', '@x', '%y']",
        ),
        ("psql -c 'select 1; select 2' \"it's\"", "run: [psql, -c, 'select 1; select 2', 'it''s']"),
        ("load --day ${{ inputs.day }} x", "run: [load, --day, '${{ inputs.day }}', x]"),
        ("echo hi && ls", "script: echo hi && ls"),
        ("ls *.py | wc -l > \"a, b\"", "script: ls *.py | wc -l > \"a, b\""),
        ("echo $(date)", "script: echo $(date)"),
        ("echo `date`", "script: echo `date`"),
        ("echo \"$HOME\"", "script: echo \"$HOME\""),
        ("sleep 1 & wait", "script: sleep 1 & wait"),
        ("echo don't", "script: echo don't"),
        ("cat < x: y", "script: 'cat < x: y'"),
        ("[ -f x ] && echo 'a' # b", "script: '[ -f x ] && echo ''a'' # b'"),
        ("true; ls\nls", "script: \"true; ls\\nls\""),
    ] {
        let written = serde_json::to_string(text).unwrap();
        let told = errors(&plan(&format!("run: {written}")));
        let [one] = told.as_slice() else { panic!("{text}: {told:?}") };
        let fix = one.fix.clone().unwrap();
        assert_eq!(fix.strip_suffix(list).unwrap_or(&fix), way);
        assert_eq!(fix.ends_with(list), way.starts_with("run"), "{fix}");
        assert_eq!(errors(&plan(way)), [], "{way}");
    }
    let long = format!("run: \"load && {}\"", "x".repeat(10_000));
    assert!(errors(&plan(&long))[0].fix.clone().unwrap().len() < 100);
    let told = errors(&plan("run: load ${{ inputs.day }} && ls"));
    assert_eq!(told[0].fix.as_deref(), Some("script: |   with what it reads in `env`"));
}

#[test]
fn what_no_expression_knows_is_not_said_to_go_into_the_environment() {
    for (source, fix) in [
        ("inputs.day", Some("env: { DAY: '${{ inputs.day }}' }   and write \"$DAY\"")),
        (
            "['a'].map(x, x + inputs.day)[0]",
            Some("env: { DAY: '${{ ['a'].map(x, x + inputs.day)[0] }}' }   and write \"$DAY\""),
        ),
        ("secrets.FOO", Some("secrets: { FOO: … }   and read the file \"$FOO_FILE\"")),
        ("secrets.FOO + inputs.day", None),
        ("env.FOO", None),
        ("github.sha", None),
        ("inputs.day +", None),
    ] {
        let told = errors(&plan(&format!("script: \"echo ${{{{ {source} }}}}\"")));
        let [one] = told.as_slice() else { panic!("{source}: {told:?}") };
        assert_eq!(one.code, "DVT-P012");
        assert_eq!(one.fix, fix.map(|fix| fix.replace("['a']", "[''a'']")), "{source}");
    }
    let told = errors(&plan("run: [bash, -c, 'echo ${{ github.sha }}']"));
    assert!(told.iter().all(|one| one.code != "DVT-P012" || one.fix.is_none()), "{told:?}");
    let told = errors(&plan("shell: python\n    script: \"print(${{ secrets.FOO }})\""));
    assert_eq!(
        told[0].fix.as_deref(),
        Some("secrets: { FOO: … }   and read the file os.environ[\"FOO_FILE\"]")
    );
}
