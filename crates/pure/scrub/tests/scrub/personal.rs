//! What the scrubber finds of personal data: reported by kind, and claimed of none.
//!
//! Personal data is kept from logs by types and by what a step writes, not by guessing: a name has no format. So no rule
//! is for it, and a run's log is not searched for it; the figures show what falls under other rules by chance.

use dvt_scrub::Scrubber;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read as _;

#[test]
fn what_is_found_of_personal_data() {
    let Ok(folder) = std::env::var("DVT_TEST_DATA") else {
        assert!(std::env::var("CI").is_err(), "DVT_TEST_DATA is not set, and in CI that is a fault");
        println!("skipped: DVT_TEST_DATA is not set");
        return;
    };
    let file = std::fs::File::open(format!("{folder}/scrub/presidio_synth_dataset_v2.json.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let examples: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut quiet, mut empty) = (0, 0);
    for example in &examples {
        let text = example["full_text"].as_str().unwrap();
        let found = Scrubber::rules().find(text);
        let spans = example["spans"].as_array().unwrap();
        if spans.is_empty() {
            empty += 1;
            quiet += usize::from(found.is_empty());
        }
        for span in spans {
            let value = span["entity_value"].as_str().unwrap();
            let hit = found.iter().any(|finding| {
                text.get(finding.range.clone()).is_some_and(|hit| hit.contains(value) || value.contains(hit))
            });
            let kind = kinds.entry(span["entity_type"].as_str().unwrap().to_owned()).or_default();
            kind.0 += 1;
            kind.1 += usize::from(hit);
        }
    }
    println!("scrub: personal data, claimed: none; found by kind (spans, found): {kinds:?}");
    println!("scrub: texts without personal data left alone: {quiet} of {empty}");
    assert!(!kinds.is_empty() && examples.len() >= 1_000);
    assert!(quiet * 100 >= empty * 99, "prose is masked");
}
