//! `dvt explain CODE`: the page of a code. An unknown code is answered with the nearest spellings. With `--results` it is the schema of
//! what commands print as JSON, which a test holds to what they print.

use crate::problem::exit::Exit;
use crate::problem::{Problem, pages, spelling};
use crate::view::screen::Screen;
use crate::view::table;
use clap::Args;
use dvt_model::code::Code;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a verb prints as JSON is the definition `dvt VERB`.
const RESULTS: &str = include_str!("../../../../docs/dvt-results.v1.schema.json");

/// Explain an error code: what it means, why it happens, what to do.
///
/// Example:
///   dvt explain NOT_FOUND
///   dvt explain --results
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The code, as errors show it; without one, all codes are listed.
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// The JSON Schema of what commands print with `--output json` and `jsonl`, instead.
    #[arg(long, conflicts_with = "code")]
    results: bool,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Exit, Problem> {
    if arguments.results {
        return results(screen);
    }
    let pages = all();
    let Some(asked) = &arguments.code else {
        list(&pages, screen);
        return Ok(Exit::Completed);
    };
    let code = asked.to_uppercase();
    let Some(page) = pages.get(code.as_str()) else {
        let near = spelling::nearest(&code, pages.keys().copied());
        let problem = Problem::usage(format!("`{asked}` is no code of ours"));
        return Err(match near.first() {
            Some(_) => problem
                .fix(near.iter().map(|code| format!("dvt explain {code}")).collect::<Vec<_>>().join("\n")),
            None => problem.fix("dvt explain    lists all codes"),
        });
    };
    if screen.for_people() {
        screen.line(page.trim_end());
    } else {
        screen.json(&json!({"code": code, "page": page}));
    }
    Ok(Exit::Completed)
}

fn results(screen: &mut Screen) -> Result<Exit, Problem> {
    if screen.for_people() {
        screen.line(RESULTS.trim_end());
    } else {
        let schema: Value =
            serde_json::from_str(RESULTS).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
        screen.json(&schema);
    }
    Ok(Exit::Completed)
}

fn list(pages: &BTreeMap<&'static str, &'static str>, screen: &mut Screen) {
    if screen.for_people() {
        let rows: Vec<Vec<String>> =
            pages.iter().map(|(code, page)| vec![(*code).to_owned(), title(page).to_owned()]).collect();
        screen.out(&table::draw(&["CODE", "MEANS"], &rows));
        return;
    }
    let codes: Vec<_> =
        pages.iter().map(|(code, page)| json!({"code": code, "title": title(page)})).collect();
    screen.json(&json!({"codes": codes}));
}

/// What the heading says after the code, else the first line below it.
pub(crate) fn title(page: &str) -> &str {
    let mut lines = page.lines().map(str::trim).filter(|line| !line.is_empty());
    let heading = lines.next().unwrap_or("");
    match heading.split_once(": ") {
        Some((_, title)) => title,
        None => lines.next().unwrap_or(heading),
    }
}

/// The codes of the registry, those of the plan language, of its test files and of its security rules.
pub(crate) fn all() -> BTreeMap<&'static str, &'static str> {
    let language = dvt_plan::diagnostic::pages().iter().chain(dvt_plan::test_file::codes::PAGES);
    let all = language.chain(dvt_plan::security::pages());
    pages::all().chain(all.map(|(code, page)| (*code, *page))).collect()
}
