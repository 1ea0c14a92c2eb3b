//! Our own table: expressions and their results, for clones without the public data and for what is ours alone.

use super::{bare, with};
use dvt_plan::expression::{Bindings, Fault, evaluate, parse};
use serde_json::{Value, json};

/// Source and result.
fn table() -> Vec<(&'static str, Value)> {
    vec![
        // Literals and operators.
        ("1 + 2 * 3 - 4", json!(3)),
        ("7 / 2", json!(3)),
        ("-7 % 3", json!(-1)),
        ("(1 + 2) * 3", json!(9)),
        ("-(-3)", json!(3)),
        ("!!true", json!(true)),
        ("0x1F", json!(31)),
        (".5 + 1e-1", json!(0.6)),
        ("1 + 0.5", json!(1.5)),
        ("2.0 * 3", json!(6)),
        ("'a' + \"b\" + r'\\c'", json!("ab\\c")),
        ("'''it's''' + '\\u00e9\\U0001F431\\x41\\101\\n'", json!("it'sé🐱AA\n")),
        ("[1, 2,] + [3]", json!([1, 2, 3])),
        ("{'b': 1, 'a': [true, null],}", json!({"a": [true, null], "b": 1})),
        ("{1: 'x', true: 'y'}", json!({"1": "x", "true": "y"})),
        ("1 == 1.0 && 1 < 1.5 && 'a' < 'b' && false < true", json!(true)),
        ("[1, 'a'] == [1.0, 'a']", json!(true)),
        ("null == null && null != 0", json!(true)),
        ("2 in [1, 2] && 'a' in {'a': 1} && 2.0 in {2: 1} && !(3 in [4])", json!(true)),
        ("true ? 1 : false ? 2 : 3", json!(1)),
        ("false ? 1 : false ? 2 : 3", json!(3)),
        ("[1, 2, 3][1] + {'x': 5}.x + {'y z': 6}['y z']", json!(13)),
        ("{'content-type': 7}.`content-type`", json!(7)),
        ("1 // a comment\n + 1", json!(2)),
        // Absorption.
        ("1 / 0 == 1 || true", json!(true)),
        ("true || nothing.at.all", json!(true)),
        ("false && 'text'", json!(false)),
        ("'text' && false", json!(false)),
        // Macros.
        ("[1, 2, 3].map(x, x * x)", json!([1, 4, 9])),
        ("[1, 2, 3].map(x, x > 1, x * 10)", json!([20, 30])),
        ("[1, 2, 3].filter(x, x % 2 == 1)", json!([1, 3])),
        ("[1, 2].all(x, x > 0) && [1, 2].exists(x, x == 2) && [1, 2].exists_one(x, x == 2)", json!(true)),
        ("[0, 1].exists(x, 1 / x == 1)", json!(true)),
        ("[0, 1].all(x, 1 / x == 2)", json!(false)),
        ("{'b': 1, 'a': 2}.map(k, k)", json!(["a", "b"])),
        ("[1].map(x, [2].map(x, x))", json!([[2]])),
        ("has({'a': null}.a) && !has({}.a)", json!(true)),
        // Functions.
        ("size('πέντε') + size([1]) + size({}) + 'ab'.size()", json!(8)),
        ("'hello'.contains('ell') && 'hello'.startsWith('he') && 'hello'.endsWith('lo')", json!(true)),
        ("'ab12'.matches('^[a-z]+\\\\d+$') && matches('x', 'x') && !'٣'.matches('\\\\d')", json!(true)),
        // Brackets as RE2 reads them: ranges from and to a dash, classes by name, no nesting, no operators.
        ("'5'.matches('^[a-z--9]$') && ','.matches('^[+--]$') && !'5'.matches('^[a-z-]$')", json!(true)),
        ("'ax'.matches('^[[:alpha:]:][a-z]$') && ':x'.matches('^[[:alpha:]:][a-z]$')", json!(true)),
        ("'ayx'.matches('^[[:alpha:]][y:][a-z]$') && 'a;'.matches('[[:alpha:]:][;&|]')", json!(true)),
        (
            "'-'.matches('^[\\\\d-x]$') && 'x'.matches('^[\\\\d-x]$') && !'a'.matches('^[\\\\d-x]$')",
            json!(true),
        ),
        (
            "'['.matches('^[a[]$') && ']'.matches('^[^a]$') && '^'.matches('^[a^]$') && '~'.matches('^[~~]$')",
            json!(true),
        ),
        (
            "'b'.matches('^[a&&b]$') && '&'.matches('^[a&&b]$') && 'B'.matches('^[\\\\x41-\\\\x43]$')",
            json!(true),
        ),
        ("'a_b'.matches('^[\\\\w]+$') && '[]'.matches('[[]') && ']'.matches('[]]')", json!(true)),
        ("string(1) + string(true) + string(1.5) + string(2.0) + string('x')", json!("1true1.52x")),
        ("int('12') + int(3.9) + int(-3.9)", json!(12)),
        ("double('1.25') + double(1)", json!(2.25)),
        ("bool('true') && !bool('0')", json!(true)),
        ("dyn(1)", json!(1)),
        ("['a', 'b'].join('-') + ['c'].join() + [].join(',')", json!("a-bc")),
        (
            "'%s-%d %.2f %x %X %e %% %s'.format(['a', 7, 2.5, 255, 'Az', 1052.0, [1, {'k': null}]])",
            json!("a-7 2.50 ff 417A 1.052000e+03 % [1, {k: null}]"),
        ),
        ("fromJson('{\"b\":[1.0,2]}').b", json!([1, 2])),
        ("toJson({'b': 1.0, 'a': 'x'})", json!("{\"a\":\"x\",\"b\":1}")),
        ("hash('abc') == hash(fromJson('\"abc\"')) && hash(1) == hash(1.0)", json!(true)),
        ("hash({'a': 1})", json!("015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862")),
        ("always() && success() && !failure()", json!(true)),
    ]
}

#[test]
fn the_table_holds() {
    for (source, expected) in table() {
        assert_eq!(bare(source), Ok(expected), "{source}");
    }
}

#[test]
fn what_fails_says_why() {
    for (source, why) in [
        ("9223372036854775807 + 1", "the integer is beyond 64 bits"),
        ("-(-9223372036854775808)", "the integer is beyond 64 bits"),
        ("--9223372036854775808", "the integer is beyond 64 bits"),
        ("-9223372036854775808 / -1", "the integer is beyond 64 bits"),
        ("-9223372036854775808 % -1", "the integer is beyond 64 bits"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "remainder of a division by zero"),
        ("1.5 % 2.0", "`%` does not work on double"),
        ("1 + 'a'", "`+` does not work on int and string"),
        ("[1] < [2]", "`<` does not work on list and list"),
        ("{'a': 1}.b", "there is no field `b`"),
        ("{'a': 1}['b']", "there is no such key"),
        ("[1][1]", "the index 1 is outside of a list of 1"),
        ("[1][-1]", "the index -1 is outside of a list of 1"),
        ("[1]['a']", "a list has no element at string"),
        ("'text'.a", "string has no field `a`"),
        ("nothing", "`nothing` is not known here"),
        ("nothing(1)", "there is no function `nothing`"),
        ("size(1)", "`size` does not work on int"),
        ("!1", "`!` does not work on int"),
        ("1 ? 2 : 3", "the condition before `?` is int, not bool"),
        ("true && 1", "`&&` does not work on int"),
        ("{'a': 1, 'a': 2}", "a key of the map is repeated"),
        ("{1.0: 1}", "double cannot be the key of a map"),
        ("{1: 'x', '1': 'y'}", "two keys of the result are the same text in JSON"),
        ("[1].join()", "`join` takes a list of strings, this one holds int"),
        ("'%d'.format(['a'])", "`%d` does not work on string"),
        ("'%d'.format([])", "the format wants more than 0 values"),
        ("'%q'.format([1])", "`%q` is no clause of a format"),
        ("int('twelve')", "the string is no int"),
        ("fromJson('{')", "`fromJson`: EOF while parsing an object at line 1 column 1"),
        ("'a'.matches('(')", "the pattern is not valid: unclosed group"),
        ("9007199254740993", "the integer `9007199254740993` is beyond 2^53; send it as a string"),
        ("1.0 / 0.0", "the result is not a finite number"),
        ("0.0 / 0.0", "the result is not a finite number"),
    ] {
        assert_eq!(bare(source), Err(Fault::Failed(why.to_owned())), "{source}");
    }
}

#[test]
fn names_are_bound_and_the_type_of_a_number_does_not_hang_on_its_value() {
    let names = json!({
        "inputs": {"regions": ["eu", "us"], "ratio": 1.0, "half": 0.5, "big": 1e300},
        "run": {"id": "run_1", "startedAt": "2026-01-01T00:00:00Z"},
        "item": {"region": "eu"}, "index": 3,
    });
    for (source, expected) in [
        ("inputs.regions", json!(["eu", "us"])),
        ("inputs.regions[1]", json!("us")),
        ("inputs['regions'].size()", json!(2)),
        ("inputs.ratio * 2.5", json!(2.5)),
        ("inputs.half * 2", json!(1)),
        ("inputs.ratio + 1", json!(2)),
        ("inputs.big", json!(1e300)),
        ("item.region + string(index)", json!("eu3")),
        ("[1].map(item, item + 1)", json!([2])),
        ("[1].map(item, .item.region)", json!(["eu"])),
        ("inputs.regions.exists(r, r == item.region)", json!(true)),
    ] {
        assert_eq!(with(source, names.clone()), Ok(expected), "{source}");
    }
}

#[test]
fn a_missing_output_is_null() {
    let names =
        json!({"steps": {"done": {"output": {"rows": 7}, "status": "SUCCESS", "attempt": 1}, "skipped": {}}});
    for (source, expected) in [
        ("steps.done.output.rows", json!(7)),
        ("steps['done'].output.rows", json!(7)),
        ("steps.skipped.output", json!(null)),
        ("steps.skipped.output == null ? 0 : steps.skipped.output.rows", json!(0)),
        ("has(steps.skipped.output.rows)", json!(false)),
        ("has(steps.done.output.rows)", json!(true)),
        ("steps.never.output", json!(null)),
        ("steps.never.status", json!(null)),
    ] {
        assert_eq!(with(source, names.clone()), Ok(expected), "{source}");
    }
    assert_eq!(bare("steps.never.output"), Ok(json!(null)));
    assert!(with("steps.done.output.cols", names).is_err());
}

#[test]
fn what_an_expression_names_is_known_before_it_runs() {
    let expression = parse("steps.b.output + steps['a-1'].output.map(steps, steps.c)[0] + item.x").unwrap();
    let steps: Vec<&str> = expression.steps().iter().map(|step| step.as_str()).collect();
    assert_eq!(steps, ["a-1", "b"]);
    assert!(expression.uses_item());
    assert!(!expression.uses_status_function());
    assert_eq!(expression.source(), "steps.b.output + steps['a-1'].output.map(steps, steps.c)[0] + item.x");
    assert!(parse("[1].exists(x, failure() && x == 1)").unwrap().uses_status_function());
    assert!(!parse("[1].map(item, item)").unwrap().uses_item());
}

/// `success() && (…)` is what an `if` means without saying so; said, it means the same.
#[test]
fn what_asks_for_success_is_known_before_it_runs() {
    for implied in [
        "item.ok",
        "success()",
        "(success())",
        "success() && item.ok",
        "item.ok && (inputs.x && success())",
        "(success() && item.ok) || (inputs.x && success())",
    ] {
        assert!(parse(implied).unwrap().implies_success(), "{implied}");
    }
    for other in [
        "always()",
        "failure()",
        "!success()",
        "success() || item.ok",
        "success() && always()",
        "success() == inputs.x",
        "success() ? true : item.ok",
        "[1].all(x, success())",
    ] {
        assert!(!parse(other).unwrap().implies_success(), "{other}");
    }
}

#[test]
fn status_functions_answer_what_is_bound() {
    let failed = Bindings { success: false, failure: true, ..Bindings::default() };
    let answer = |source: &str| evaluate(&parse(source).unwrap(), &failed);
    assert_eq!(answer("[always(), success(), failure()]"), Ok(json!([true, false, true])));
}
