//! Measures the plan language over a file: `speed FILE [TIMES]` prints microseconds of a plain YAML parse into a tree, of the
//! events of that parse alone, of reading with all checks, and of the bounds. They take turns, and each is the shortest of its
//! turns, so that what else happens on the machine falls on all of them.

#![allow(clippy::unwrap_used, reason = "a program for measuring")]

use dvt_plan::diagnostic::Source;
use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

fn main() {
    let file = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let times = std::env::args().nth(2).map(|times| times.parse::<u32>().unwrap());
    // A turn long enough for the clock of the processor, which ticks in milliseconds; `speed FILE 1` is for a profiler.
    let turn = times.unwrap_or_else(|| u32::try_from(2_500_000 / text.len()).unwrap().clamp(1, 1_000));
    let turns = if times.is_some() { 1 } else { 9 };
    let source = Source { name: file, text: text.clone() };
    let checked = dvt_plan::check(&source).checked.unwrap();
    let works: [&dyn Fn(); 4] = [
        &|| assert!(tree(&text).is_object()),
        &|| assert!(Parser::new_from_str(&text).map(|event| event.map(drop)).all(|event| event.is_ok())),
        &|| assert!(dvt_plan::check(&source).checked.is_some()),
        &|| assert!(dvt_plan::bounds::of(&checked.plan).steps > 0),
    ];
    let mut shortest = works.map(|_| f64::INFINITY);
    for _ in 0..turns {
        for (work, shortest) in works.iter().zip(&mut shortest) {
            let begun = on_processor();
            (0..turn).for_each(|_| work());
            *shortest = shortest.min((on_processor() - begun) / f64::from(turn));
        }
    }
    println!("{}", shortest.map(|figure| figure.to_string()).join(" "));
}

/// What a YAML library gives: a value in memory, by the core schema, nothing checked, no place kept. Without anchors, of which
/// the measured file has none.
fn tree(text: &str) -> Value {
    enum Open {
        List(Vec<Value>),
        Map(Map<String, Value>, Option<String>),
    }
    let mut open: Vec<Open> = Vec::new();
    let mut root = Value::Null;
    for item in Parser::new_from_str(text) {
        let is_key = matches!(open.last(), Some(Open::Map(_, None)));
        let value = match item.unwrap().0 {
            Event::Scalar(text, ScalarStyle::Plain, ..) if !is_key => plain(&text),
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop().unwrap() {
                Open::List(items) => Value::Array(items),
                Open::Map(members, _) => Value::Object(members),
            },
            _ => continue,
        };
        match open.last_mut() {
            None => root = value,
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(members, key)) => match (key.take(), value) {
                (Some(key), value) => drop(members.insert(key, value)),
                (None, Value::String(name)) => *key = Some(name),
                (None, other) => *key = Some(other.to_string()),
            },
        }
    }
    root
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if !text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) => text.into(),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) if number.is_finite() => number.into(),
            _ => text.into(),
        },
    }
}

/// Microseconds that this thread has had on a processor: what others do on the machine counts little.
fn on_processor() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e3
}
