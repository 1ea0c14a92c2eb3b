//! The static checker: what it reports, where, and what it offers instead.

use dvt_plan::expression::check::ProblemKind::{UnknownFunction, UnknownName, WrongArity, WrongType};
use dvt_plan::expression::check::{Names, Problem, Shape, check, shape};
use dvt_plan::expression::parse;
use serde_json::json;

fn names() -> Names {
    let output = Shape::of(&json!({"rows": 1, "table": "x"}));
    Names {
        inputs: [
            ("region".to_owned(), Shape::String),
            ("regions".to_owned(), Shape::list(Shape::String)),
            ("count".to_owned(), Shape::Int),
            ("ratio".to_owned(), Shape::Number),
            ("config".to_owned(), Shape::object()),
            ("flag".to_owned(), Shape::Bool),
        ]
        .into(),
        vars: [("bucket".to_owned(), Shape::String)].into(),
        steps: [("extract".into(), output), ("load".into(), Shape::Any), ("load-orders".into(), Shape::Any)]
            .into(),
        item: None,
        run_status: false,
    }
}

fn problems(source: &str) -> Vec<Problem> {
    check(&parse(source).unwrap(), &names())
}

#[test]
fn what_is_right_passes() {
    for source in [
        "inputs.region + '-' + vars.bucket",
        "inputs.count * 2.5 + inputs.ratio > 1 && inputs.flag",
        "steps.extract.output.rows + inputs.count",
        "steps.load.output.anything.at[0].all",
        "steps['load-orders'].status == 'SUCCESS' && steps.load.attempt < 3",
        "inputs.config.deep.er == 'x' && has(inputs.config.deep)",
        "inputs.regions.map(r, r + vars.bucket).filter(s, s.startsWith('e')).join(',')",
        "inputs.regions.exists(r, r == inputs.region) ? inputs.region : 'none'",
        "run.id + run.startedAt + tenant.id + plan.name",
        "inputs.region == null || inputs.region.matches('^[a-z]+$')",
        "'%s-%d'.format([inputs.region, inputs.count])",
        "always() || !failure()",
        "size(inputs.regions) == 2 && inputs.region in inputs.regions && 'a' in inputs.config",
        "hash({'a': inputs.regions}) + toJson(inputs)",
        "fromJson(inputs.region).a.b + 1",
        "[1].map(inputs, inputs + 1)[0] + 1",
        "inputs.ratio % 2 == 0",
    ] {
        assert_eq!(problems(source), [], "{source}");
    }
}

#[test]
fn what_is_wrong_has_a_place_and_a_way_out() {
    for (source, kind, message, place, choice) in [
        ("inputs.regoin", UnknownName, "`inputs.regoin` does not exist", "inputs.regoin", "inputs.region"),
        ("1 + inputs.cuont", UnknownName, "`inputs.cuont` does not exist", "inputs.cuont", "inputs.count"),
        ("inputs['cuont']", UnknownName, "`inputs['cuont']` does not exist", "inputs['cuont']", "count"),
        ("input.region", UnknownName, "`input` does not exist", "input", "inputs"),
        (
            "has(inputs.regoin)",
            UnknownName,
            "`inputs.regoin` does not exist",
            "inputs.regoin",
            "inputs.region",
        ),
        ("steps.exract.output", UnknownName, "there is no step `exract`", "steps.exract", "steps.extract"),
        (
            "steps.extract.outptu",
            UnknownName,
            "`steps.extract.outptu` does not exist",
            "steps.extract.outptu",
            "steps.extract.output",
        ),
        (
            "steps.extract.output.row",
            UnknownName,
            "`steps.extract.output.row` does not exist",
            "steps.extract.output.row",
            "steps.extract.output.rows",
        ),
        (
            "steps.load-orders.output",
            UnknownName,
            "`steps.load-orders` reads as a subtraction here",
            "steps.load-orders",
            "steps['load-orders']",
        ),
        (
            "steps[inputs.region].output",
            UnknownName,
            "the id of a step stands in the text, it cannot be computed",
            "steps[inputs.region]",
            "steps.extract",
        ),
        (
            "size(steps)",
            UnknownName,
            "`steps` is not a value; name one, as in `steps.<id>.output`",
            "steps",
            "steps.extract",
        ),
        ("run.status", UnknownName, "`run.status` does not exist", "run.status", "run.id"),
        ("item", UnknownName, "`item` exists only in a step with `foreach`", "item", ""),
        ("github.run_id", UnknownName, "`github` is not known here; the run is `run`", "github", "run"),
        (
            "secrets.dsn",
            UnknownName,
            "expressions see no secrets; the step's `secrets` key hands one over",
            "secrets",
            "",
        ),
        (
            "fromJSON(inputs.region)",
            UnknownFunction,
            "there is no function `fromJSON`",
            "fromJSON(inputs.region)",
            "fromJson(text)",
        ),
        (
            "contains(inputs.region, 'e')",
            UnknownFunction,
            "`contains` is written `text.contains(part)`",
            "contains(inputs.region, 'e')",
            "text.contains(part)",
        ),
        ("inputs.region.hash()", UnknownFunction, "`hash` is written `hash(x)`", ".hash()", "hash(x)"),
        (
            "map(inputs.regions)",
            UnknownFunction,
            "`map` is written after a list, as in `list.map(x, …)`",
            "map(inputs.regions)",
            "",
        ),
        ("hash()", WrongArity, "`hash` has another number of arguments", "hash()", "hash(x)"),
        (
            "inputs.region.contains('a', 'b')",
            WrongArity,
            "`contains` has another number of arguments",
            ".contains('a', 'b')",
            "text.contains(part)",
        ),
        ("inputs.region + 1", WrongType, "`+` does not work on string and int", "inputs.region + 1", ""),
        ("inputs.count == 'a'", WrongType, "int and string are never equal", "inputs.count == 'a'", ""),
        (
            "inputs.count in inputs.regions",
            WrongType,
            "`in` does not work on int and list of string",
            "inputs.count in inputs.regions",
            "",
        ),
        ("!inputs.count", WrongType, "`!` wants a bool, this is int", "inputs.count", ""),
        (
            "inputs.region ? 1 : 2",
            WrongType,
            "the condition before `?` wants a bool, this is string",
            "inputs.region",
            "",
        ),
        ("true && inputs.region", WrongType, "`&&` wants a bool, this is string", "inputs.region", ""),
        ("inputs.regions.filter(r, r)", WrongType, "`filter` wants a bool, this is string", "r", ""),
        (
            "inputs.count.all(x, true)",
            WrongType,
            "`all` does not work on int",
            "inputs.count.all(x, true)",
            "",
        ),
        ("inputs.region.name", WrongType, "string has no field `name`", "inputs.region.name", ""),
        ("inputs.count[0]", WrongType, "int has no elements", "inputs.count[0]", ""),
        ("inputs.regions['a']", WrongType, "a list has no element at string", "'a'", ""),
        ("inputs.region.matches('(')", WrongType, "the pattern is not valid: unclosed group", "'('", ""),
        (
            "[inputs.count].join('-')",
            WrongType,
            "`list.join(', ')` does not work on list of int and string",
            ".join('-')",
            "",
        ),
        ("-inputs.region", WrongType, "`-` does not work on string", "-inputs.region", ""),
    ] {
        let found = problems(source);
        let problem = found.first().unwrap_or_else(|| panic!("{source}: nothing was reported"));
        assert_eq!(found.len(), 1, "{source}: {found:?}");
        assert_eq!((problem.kind, problem.message.as_str()), (kind, message), "{source}");
        // The last of two equal texts is meant, as in `filter(r, r)`.
        assert_eq!(source.get(problem.range.clone()), Some(place), "{source}");
        assert_eq!(problem.choices.first().map_or("", String::as_str), choice, "{source}");
    }
}

#[test]
fn foreach_and_finally_add_names() {
    let names = Names { item: Some(Shape::of(&json!({"region": "eu"}))), run_status: true, ..names() };
    let ask = |source: &str| check(&parse(source).unwrap(), &names);
    assert_eq!(ask("item.region + string(index) + run.status"), []);
    assert_eq!(ask("item.regoin").first().unwrap().choices, ["item.region"]);
    assert_eq!(ask("itme").first().unwrap().choices.first().unwrap(), "item");
}

#[test]
fn several_problems_come_in_the_order_of_the_text() {
    let found = problems("inputs.a + inputs.b + nothing(inputs.c)");
    let starts: Vec<usize> = found.iter().map(|problem| problem.range.start).collect();
    assert_eq!(found.len(), 4);
    assert!(starts.is_sorted());
}

#[test]
fn the_shape_of_the_result_is_known_where_it_can_be() {
    for (source, expected) in [
        ("inputs.regions", "list of string"),
        ("inputs.regions.map(r, size(r))", "list of int"),
        ("inputs.count + 1", "int"),
        ("inputs.count / 2.0", "number"),
        ("inputs.flag && true", "bool"),
        ("inputs.flag ? 1 : 2.5", "number"),
        ("inputs.flag ? 1 : 'a'", "any value"),
        ("steps.load.output", "any value"),
        ("{'a': 1}", "object"),
        ("'%d'.format([1])", "string"),
    ] {
        assert_eq!(shape(&parse(source).unwrap(), &names()).to_string(), expected, "{source}");
    }
}
