//! Recall and precision on the labelled examples of another scanner's rules, whole and through a stream.
//!
//! The figures are printed and held by a floor: a change that loses recall fails. Examples whose category is
//! `identifier` (names of buckets, accounts, clients) are no secrets, and so they are counted apart. A negative example is
//! labelled for the one rule that it belongs to; where it holds a secret of another kind it must be masked all the same,
//! and it stands in [`HOLD_A_SECRET`] with what it holds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dvt_scrub::{MASK, Scrubber};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Recall on all secret examples, in percent.
const RECALL: usize = 97;
/// The same where the example goes through a stream in chunks of seven bytes.
const RECALL_OF_STREAM: usize = 93;
/// False alarms among negative examples, in percent.
const FALSE_ALARMS: usize = 3;

/// Negative examples that hold a secret of another kind: the rule they belong to, how the masked text begins, what it is.
const HOLD_A_SECRET: &[(&str, &str, &str)] = &[
    ("np.auth0.1", "wsxY2eUG78qK", "the client secret of the application"),
    ("np.aws.2", "ded7db27a4558e2e", "42 letters assigned to a secret's name"),
    ("np.facebook.1", "8f52d1586bd18a18", "a connect key in serialized form"),
    ("np.generic.1", "5pX8Q~MmTI8OMBJF", "an Azure client secret"),
    ("np.generic.1", "abcdefg12346+FJQCK", "a secret access key in quotes"),
    ("np.generic.4", "open_sesame", "a password in quotes, which another rule of theirs asks for"),
    ("np.generic.5", "super$ecret", "a password with a dollar in it"),
    ("np.generic.5", "$super$ecret", "a password with a dollar in it"),
    ("np.generic.9", "#gets0m3", "the password of a connection string"),
    ("np.generic.9", "eyJ0eXAiOiAiVENW", "a TeamCity token"),
    (
        "np.generic.10",
        "Prestigitariu$",
        "a password in a configuration, which another rule of theirs asks for",
    ),
    ("np.gitalk.1", "d151c7bc86d545da", "a client secret"),
    ("np.grafana.1", "eyJrIjoiYTZjMTk3", "the key of a shared report: whoever has it reads the report"),
    ("np.hashicorp.1", "hvs.JGbZZaCkOSgs", "a Vault token of the later form"),
    ("np.hashicorp.2", "hvb.JGbZZaCkOSgs", "a Vault token of the later form"),
    ("np.hashicorp.3", "hvr.JGbZZaCkOSgs", "a Vault token of the later form"),
    ("np.hashicorp.4", "s.Z4bTMtngfLeQ18", "a Vault token of the older form"),
    ("np.hashicorp.5", "b.Z4bTMtngfLeQ18", "a Vault token of the older form"),
    ("np.hashicorp.6", "r.Z4bTMtngfLeQ18", "a Vault token of the older form"),
    ("np.jwt.1", "eyJ0eXAiOiAiVENW", "a TeamCity token"),
    ("np.mongodb.1", "D1fficultP%40ssw", "the password of a URL"),
    ("np.newrelic.1", "a1b2c3d4e5f6g7h8", "36 letters and `NRAL`, as license keys are"),
    ("np.newrelic.2", "033f2f2072ca3f2c", "a license key of the later form"),
    ("np.npm.1", "007e65c7-635d-4d", "an npm token of the older form"),
    ("np.odbc.1", "busybox@", "a password in quotes"),
    ("np.okta.1", "00QCjAl4MlV-WPXM", "a key assigned to a key's name"),
    ("np.postgres.1", "secret", "the password of a URL"),
    ("np.slack.2", "xox", "a Slack token of another kind"),
    ("np.slack.4", "xox", "a Slack token of another kind"),
    ("np.slack.6", "xox", "a Slack token of another kind"),
];

struct Example {
    rule: String,
    is_secret: bool,
    is_identifier: bool,
    text: Vec<u8>,
}

fn examples() -> Option<Vec<Example>> {
    let Ok(folder) = std::env::var("DVT_TEST_DATA") else {
        assert!(std::env::var("CI").is_err(), "DVT_TEST_DATA is not set, and in CI that is a fault");
        println!("skipped: DVT_TEST_DATA is not set");
        return None;
    };
    let text = std::fs::read_to_string(format!("{folder}/scrub/noseyparker_examples.jsonl")).unwrap();
    let one = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let categories: Vec<&str> =
            value["categories"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        Example {
            rule: value["rule"].as_str().unwrap().to_owned(),
            is_secret: value["label"] == 1,
            is_identifier: categories.contains(&"identifier") && !categories.contains(&"secret"),
            text: STANDARD.decode(value["text_b64"].as_str().unwrap()).unwrap(),
        }
    };
    Some(text.lines().map(one).collect())
}

#[test]
fn recall_on_labelled_examples() {
    let Some(examples) = examples() else { return };
    let mut missed: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut all, mut found, mut streamed, mut identifiers) = (0, 0, 0, 0);
    for example in examples.iter().filter(|example| example.is_secret) {
        if example.is_identifier {
            identifiers += 1;
            continue;
        }
        all += 1;
        if Scrubber::rules().find_bytes(&example.text).is_empty() {
            *missed.entry(&example.rule).or_default() += 1;
        } else {
            found += 1;
        }
        let mut stream = Scrubber::rules().stream();
        let mut out: Vec<u8> = example.text.chunks(7).flat_map(|chunk| stream.push(chunk)).collect();
        out.extend(stream.finish());
        streamed += usize::from(out.windows(MASK.len()).any(|window| window == MASK.as_bytes()));
    }
    println!("scrub: secret examples found: {found} of {all} ({:.1} %)", percent(found, all));
    println!(
        "scrub: the same through a stream in chunks of seven bytes: {streamed} ({:.1} %)",
        percent(streamed, all)
    );
    println!("scrub: identifiers left aside: {identifiers}; missed: {missed:?}");
    assert!(found * 100 >= RECALL * all);
    assert!(streamed * 100 >= RECALL_OF_STREAM * all);
}

#[test]
fn negative_examples_are_left_alone() {
    let Some(examples) = examples() else { return };
    let (mut all, mut masked) = (0, 0);
    let mut alarms = Vec::new();
    let mut used = BTreeSet::new();
    for example in examples.iter().filter(|example| !example.is_secret) {
        all += 1;
        let found = Scrubber::rules().find_bytes(&example.text);
        masked += usize::from(!found.is_empty());
        let mut is_alarm = false;
        for finding in &found {
            let secret = String::from_utf8_lossy(&example.text[finding.range.clone()]);
            let known = HOLD_A_SECRET
                .iter()
                .position(|(rule, begins, _)| *rule == example.rule && secret.starts_with(begins));
            is_alarm |= known.is_none();
            used.extend(known);
            if known.is_none() {
                println!("false alarm: {} {} {secret:?}", example.rule, finding.rule);
            }
        }
        if is_alarm {
            alarms.push(&example.rule);
        }
    }
    println!(
        "scrub: negative examples: {all}; masked {masked}, of which {} hold a secret of another kind; false alarms {} ({:.1} %)",
        masked - alarms.len(),
        alarms.len(),
        percent(alarms.len(), all)
    );
    assert!(alarms.len() * 100 <= FALSE_ALARMS * all, "{alarms:?}");
    let unused: Vec<_> =
        HOLD_A_SECRET.iter().enumerate().filter(|(index, _)| !used.contains(index)).collect();
    assert!(unused.is_empty(), "no longer masked, and so no longer to be listed: {unused:?}");
}

fn percent(part: usize, all: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) * 100.0 / f64::from(u32::try_from(all).unwrap())
}
