//! Measures one work over a file: `plan_speed FILE WORK [TIMES]` prints its microseconds: `parse` is a plain YAML parse into a tree,
//! `events` the events of that parse alone, `check` reading with all checks, `bounds` the worst case alone. Each work has a
//! process of its own, so that none is done in the memory that another one left in pieces; it is the shortest of nine turns, so
//! that what else happens on the machine counts little.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a program for measuring")]

use dvt_plan::diagnostic::Source;
use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// That of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, work) = (arguments.first().unwrap(), arguments.get(1).unwrap());
    let text = std::fs::read_to_string(file).unwrap();
    let times = arguments.get(2).map(|times| times.parse::<u32>().unwrap());
    // A turn long enough for the clock of the processor, which ticks in milliseconds; `plan_speed FILE WORK 1` is for a profiler.
    let turn = times.unwrap_or_else(|| u32::try_from(2_500_000 / text.len()).unwrap().clamp(1, 1_000));
    let turns = if times.is_some() { 1 } else { 9 };
    let source = Source { name: file.clone(), text: text.clone() };
    let checked = (work == "bounds").then(|| dvt_plan::check(&source).checked.unwrap());
    let once: &dyn Fn() = match work.as_str() {
        "parse" => &|| assert!(tree(&text).is_object()),
        "events" => {
            &|| assert!(Parser::new_from_str(&text).map(|event| event.map(drop)).all(|event| event.is_ok()))
        }
        "check" => &|| assert!(dvt_plan::check(&source).checked.is_some()),
        "bounds" => &|| assert!(dvt_plan::bounds::of(&checked.as_ref().unwrap().plan).steps > 0),
        other => panic!("`{other}` is no work"),
    };
    let mut shortest = f64::INFINITY;
    for _ in 0..turns {
        let begun = on_processor();
        (0..turn).for_each(|_| once());
        shortest = shortest.min((on_processor() - begun) / f64::from(turn));
    }
    println!("{shortest}");
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
