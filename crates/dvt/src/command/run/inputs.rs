//! The inputs of a run: from a file, from `-i`, from answers on a terminal, in this order of weight; then checked by the plan.

use crate::files;
use crate::problem::Problem;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use dvt_model::code::Code;
use dvt_plan::plan::Plan;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

/// All inputs, checked, with defaults filled in.
pub(crate) fn resolve(
    plan: &Plan,
    given: &[String],
    file: Option<&Path>,
    screen: &Screen,
) -> Result<BTreeMap<String, Value>, Problem> {
    let mut inputs = file.map_or_else(|| Ok(BTreeMap::new()), from_file)?;
    let mut names = BTreeSet::new();
    for text in given {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Problem::usage(format!("`-i {text}` has no `=`")).fix("-i name=value, once for each input")
        })?;
        if !names.insert(name) {
            return Err(Problem::usage(format!("`-i {name}` is given more than once"))
                .why("one of its values would be passed over")
                .fix(format!("-i {name}=…    once")));
        }
        let value = &*typed(name, value)?;
        let value = match plan.inputs.get(name) {
            Some(input) => {
                input.parse_cli(value).map_err(|reason| Problem::usage(format!("`-i {name}=…` {reason}")))?
            }
            // The plan will refuse the name, with the nearest spelling.
            None => Value::String(value.to_owned()),
        };
        inputs.insert(name.to_owned(), value);
    }
    if screen.can_ask() {
        ask(plan, &mut inputs, screen)?;
    }
    plan.resolve_inputs(inputs).map_err(|errors| {
        let message = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ");
        let mut problem = Problem::new(Code::SchemaValidationFailed, message);
        let choices =
            errors.iter().find(|error| !error.choices.is_empty()).map(|error| error.choices.join(", "));
        if let Some(choices) = choices {
            problem.notes.push(("has", choices));
        }
        let flags: Vec<String> = errors
            .iter()
            .filter(|error| plan.inputs.contains_key(&error.name))
            .map(|error| format!("-i {}=…", error.name))
            .collect();
        if flags.is_empty() { problem } else { problem.fix(flags.join(" ")) }
    })
}

/// The largest value that is read from a file: a start's inputs are no larger.
const MOST_BYTES: u64 = 1024 * 1024;

/// A value as it was typed; `@FILE` is what the file holds, `@@…` a text that begins with `@`.
fn typed<'t>(name: &str, value: &'t str) -> Result<Cow<'t, str>, Problem> {
    let Some(path) = value.strip_prefix('@') else { return Ok(Cow::Borrowed(value)) };
    if path.starts_with('@') {
        return Ok(Cow::Borrowed(path));
    }
    let cannot = |why: String| {
        Problem::usage(format!("`-i {name}=@{}` cannot be read: {why}", safe(path)))
            .fix(format!("-i {name}=@@…    is a text that begins with `@`"))
    };
    let mut file = std::fs::File::open(path).map_err(|error| cannot(files::reason(&error)))?;
    let mut text = String::new();
    file.by_ref()
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| cannot(files::reason(&error)))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(cannot("it is larger than 1 MiB".to_owned()));
    }
    // An editor ends a file with a line end; nobody means that as part of a value.
    let text = text
        .strip_suffix('\n')
        .map(|text| text.strip_suffix('\r').unwrap_or(text).to_owned())
        .unwrap_or(text);
    Ok(Cow::Owned(text))
}

fn from_file(path: &Path) -> Result<BTreeMap<String, Value>, Problem> {
    let shown = path.display();
    let text = files::read_bytes(path, MOST_BYTES)?;
    match dvt_model::canonical::parse(&text) {
        Ok(Value::Object(object)) => Ok(object.into_iter().collect()),
        Ok(_) => Err(Problem::usage(format!("`{shown}` holds no JSON object"))),
        Err(error) => Err(Problem::usage(format!("`{shown}` is no JSON: {error}"))),
    }
}

/// Asks for each input without value and default, until the answer fits.
fn ask(plan: &Plan, inputs: &mut BTreeMap<String, Value>, screen: &Screen) -> Result<(), Problem> {
    for (name, input) in &plan.inputs {
        while input.default.is_none() && !inputs.contains_key(name) {
            screen.say_raw(&format!("{name} ({}): ", safe(&input.describe())));
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line);
            if !read.is_ok_and(|bytes| bytes > 0) {
                return Err(
                    Problem::usage(format!("no answer for the input `{name}`")).fix(format!("-i {name}=…"))
                );
            }
            match input
                .parse_cli(line.trim_end_matches('\n'))
                .and_then(|value| input.check(&value).map(|()| value))
            {
                Ok(value) => drop(inputs.insert(name.clone(), value)),
                Err(reason) => screen.say(&format!("  {}", safe(&reason))),
            }
        }
    }
    Ok(())
}
