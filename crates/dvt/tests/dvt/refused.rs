//! The catalogue of plans that a command refuses as a whole with INVALID_PLAN_SCHEMA: each with the exact words and data.
//!
//! Their first line is the command. What is wrong inside a plan has its catalogue beside the plan language. `DVT_BLESS=1` writes the
//! expectations anew; the difference is then read by a person.

use crate::home::{Home, repository};
use std::fmt::Write as _;

#[test]
fn each_plan_that_is_refused_as_a_whole_is_told_exactly_so() {
    let (mut different, mut count) = (Vec::new(), 0);
    for entry in std::fs::read_dir(repository().join("crates/dvt/tests/refused")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        count += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let home = Home::new();
        let file = home.plan("plan", &text);
        let words: Vec<&str> = text.lines().next().unwrap().split(' ').skip(2).collect();
        let told = |more: &[&str]| home.dvt(&[&words, &[file.as_str()][..], more].concat()).ends(2);
        let (people, data) = (told(&[]), told(&["--output", "json"]));
        assert_eq!((people.out.as_str(), data.out.as_str()), ("", ""), "results alone go there");
        assert!(!home.path("home").exists(), "nothing was begun");
        let data: serde_json::Value = serde_json::from_str(data.err.trim()).unwrap();
        assert_eq!(data["code"], "INVALID_PLAN_SCHEMA", "{data}");
        let mut pretty = serde_json::to_string_pretty(&data).unwrap();
        writeln!(pretty).unwrap();
        for (ending, found) in [("txt", &people.err), ("json", &pretty)] {
            let expected = path.with_extension(ending);
            if std::env::var_os("DVT_BLESS").is_some() {
                std::fs::write(&expected, found).unwrap();
            }
            if std::fs::read_to_string(&expected).unwrap_or_default() != *found {
                different.push(format!("{}\n{found}", expected.display()));
            }
        }
    }
    assert!(count >= 3, "{count}");
    assert!(different.is_empty(), "told otherwise than expected:\n{}", different.join("\n"));
}
