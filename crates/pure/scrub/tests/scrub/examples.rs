//! Recall and precision on the labelled examples of another scanner's rules.
//!
//! The figures are printed and held by a floor: a change that loses recall fails. Examples whose category is
//! `identifier` are no secrets, and so they are counted apart.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dvt_scrub::Scrubber;
use serde_json::Value;
use std::collections::BTreeMap;

/// Recall on secret examples with a format of their own, in percent.
const RECALL_OF_FORMATS: usize = 90;
/// Recall on all secret examples, in percent.
const RECALL_OF_ALL: usize = 75;

fn examples() -> Option<Vec<Value>> {
    let Ok(folder) = std::env::var("DVT_TEST_DATA") else {
        assert!(std::env::var("CI").is_err(), "DVT_TEST_DATA is not set, and in CI that is a fault");
        println!("skipped: DVT_TEST_DATA is not set");
        return None;
    };
    let text = std::fs::read_to_string(format!("{folder}/scrub/noseyparker_examples.jsonl")).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn recall_on_labelled_examples() {
    let Some(examples) = examples() else { return };
    let mut missed: BTreeMap<String, usize> = BTreeMap::new();
    let (mut all, mut found, mut formats, mut found_formats, mut identifiers) = (0, 0, 0, 0, 0);
    let (mut negatives, mut quiet) = (0, 0);
    for example in &examples {
        let categories: Vec<&str> =
            example["categories"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let text = STANDARD.decode(example["text_b64"].as_str().unwrap()).unwrap();
        let hit = !Scrubber::rules().find_bytes(&text).is_empty();
        if example["label"] == 0 {
            negatives += 1;
            quiet += usize::from(!hit);
            continue;
        }
        if categories.contains(&"identifier") && !categories.contains(&"secret") {
            identifiers += 1;
            continue;
        }
        all += 1;
        found += usize::from(hit);
        if !categories.contains(&"fuzzy")
            && !categories.contains(&"generic")
            && !categories.contains(&"hashed")
        {
            formats += 1;
            found_formats += usize::from(hit);
        }
        if !hit {
            *missed.entry(example["rule"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    println!("secrets found: {found} of {all} ({} %)", found * 100 / all);
    println!(
        "of these with a format of their own: {found_formats} of {formats} ({} %)",
        found_formats * 100 / formats
    );
    println!("identifiers left aside: {identifiers}");
    println!("negative examples left alone: {quiet} of {negatives} (many hold a secret of another rule)");
    println!("missed: {missed:?}");
    assert!(found * 100 >= RECALL_OF_ALL * all);
    assert!(found_formats * 100 >= RECALL_OF_FORMATS * formats);
}
