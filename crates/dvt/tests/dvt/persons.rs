//! INVARIANT(INV-18): class and subject of a plan decide under which keys payloads and logs lie, from the document to the erasure.
//! The whole binary, some days later where that is what is asked.

use crate::home::{Home, Told};
use serde_json::Value;

/// Two people's orders, what is derived from one of them, and a count that is about nobody.
const PLAN: &str = "apiVersion: dvt/v1
name: orders
inputs:
  first: { type: string }
data: { class: pii }
steps:
  first:
    script: |
      echo \"printed CANARY-OF-$WHO\"
      printf '{\"mail\": \"mail CANARY-OF-%s\"}' \"$WHO\" > \"$DVT_OUTPUT\"
    env: { WHO: '${{ inputs.first }}' }
    subject: ${{ inputs.first }}
  derived: { uses: dvt/noop@1, with: { output: 'derived from ${{ steps.first.output.mail }}' } }
  second:
    script: |
      echo printed CANARY-OF-bob
      printf '\"CANARY-OF-bob\"' > \"$DVT_OUTPUT\"
    subject: bob
  count:
    needs: [first, second]
    uses: dvt/noop@1
    with: { output: COUNTED-7 }
    declassify: a number, no names
  plain:
    script: echo PRINTED-PLAIN
    dataClass: standard
outputs: { count: '${{ steps.count.output }}' }
";

fn started(home: &Home, who: &str) -> String {
    let plan = home.plan("orders", PLAN);
    let input = format!("first={who}");
    let told = home.dvt(&["run", &plan, "-i", &input, "--allow-host", "--output", "json"]).ends(0);
    told.json()["runId"].as_str().unwrap().to_owned()
}

/// Every payload of the ledger in clear, a line each, as far as it can be read.
fn readable(home: &Home) -> Vec<Value> {
    let out = home.dvt(&["audit", "export", "--payloads"]).ends(0).out;
    out.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn with(entries: &[Value], text: &str) -> usize {
    entries.iter().filter(|entry| entry["payloads"].to_string().contains(text)).count()
}

fn erase(home: &Home, person: &str) -> Value {
    let words = ["data", "erase", "--person", person, "--yes", "-m", "asked for", "--output", "json"];
    home.dvt(&words).ends(0).json()
}

fn logs(home: &Home, run: &str, step: &str) -> Told {
    home.dvt(&["runs", "logs", run, "--step", step])
}

#[test]
fn a_person_is_erased_and_nobody_else() {
    let home = Home::new();
    let (ada, cleo) = (started(&home, "ada"), started(&home, "cleo"));
    let before = readable(&home);
    let (of_ada, of_bob, of_cleo) =
        (with(&before, "CANARY-OF-ada"), with(&before, "CANARY-OF-bob"), with(&before, "CANARY-OF-cleo"));
    assert!(of_ada >= 3 && of_bob >= 2 && of_cleo >= 3, "control: {of_ada} {of_bob} {of_cleo}");
    // An id may spell her name by chance; in quotes, or behind the canary, it does not.
    let names_her = |entry: &&Value| {
        let said = entry["payloads"].to_string();
        said.contains("\"ada\"") || said.contains("CANARY-OF-ada")
    };
    let about_her = before.iter().filter(names_her).count();
    assert!(with(&before, "\"ada\"") >= 3, "control: her name stands in inputs and starts");
    assert!(logs(&home, &ada, "first").ends(0).out.contains("CANARY-OF-ada"), "control");

    let would =
        home.dvt(&["data", "erase", "--person", "ada", "--dry-run", "--output", "json"]).ends(0).json();
    let erased = erase(&home, "ada");
    assert_eq!(would["keys"], erased["keys"]);
    let after = readable(&home);
    let gone = after.iter().filter(|entry| is_erased(entry)).count();
    println!(
        "persons: {gone} of {about_her} payloads about one person unreadable; {of_bob} and {of_cleo} of others as before"
    );
    assert_eq!(gone, about_her, "these and no others");
    assert_eq!((with(&after, "CANARY-OF-ada"), with(&after, "\"ada\"")), (0, 0));
    assert_eq!((with(&after, "CANARY-OF-bob"), with(&after, "CANARY-OF-cleo")), (of_bob, of_cleo));
    assert_eq!(with(&after, "COUNTED-7"), with(&before, "COUNTED-7"), "what was declassified stays");
    let told = logs(&home, &ada, "first").ends(4);
    assert!(told.err.contains("PAYLOAD_ERASED") && !told.out.contains("CANARY"), "{told:#?}");
    assert!(logs(&home, &ada, "second").ends(0).out.contains("CANARY-OF-bob"));
    assert!(logs(&home, &ada, "plain").ends(0).out.contains("PRINTED-PLAIN"));
    assert!(logs(&home, &cleo, "first").ends(0).out.contains("CANARY-OF-cleo"));
    let shown = home.dvt(&["runs", "get", &ada, "--output", "json"]).ends(0);
    assert!(!shown.out.contains("CANARY-OF-ada") && !shown.out.contains("INCONSISTENT"), "{shown:#?}");
    assert!(shown.json()["payloadsErased"].as_u64().unwrap() >= 4 && shown.json()["status"] == "COMPLETED");
    assert_eq!(shown.json()["outputs"]["count"], "COUNTED-7");
    assert!(home.dvt(&["runs", "get", &ada]).ends(0).out.contains("erased"));
    // Nothing of her is left in any file of the data folder, whatever it is sealed under.
    let told = home.dvt(&["audit", "verify", "--with-keys", "--output", "json"]).ends(0).json();
    assert!(told["status"] == "VALID" && told["erased"].as_u64().unwrap() >= 4, "{told}");

    // Of a person in several runs everything goes at once.
    erase(&home, "bob");
    let after = readable(&home);
    assert_eq!((with(&after, "CANARY-OF-bob"), with(&after, "CANARY-OF-cleo")), (0, of_cleo));
    home.dvt(&["audit", "verify", "--with-keys"]).ends(0);
}

fn is_erased(entry: &Value) -> bool {
    entry["payloads"].as_array().is_some_and(|all| all.iter().any(|one| one["erased"] == true))
}

#[test]
fn what_is_of_items_is_each_person_s_own() {
    let home = Home::new();
    let plan = home.plan(
        "items",
        "apiVersion: dvt/v1
name: items
inputs:
  people: { type: array, maxItems: 4, items: { type: string } }
data: { class: phi }
steps:
  each:
    foreach: inputs.people
    script: |
      echo \"printed CANARY-OF-$WHO\"
      printf '\"CANARY-OF-%s\"' \"$WHO\" > \"$DVT_OUTPUT\"
    env: { WHO: '${{ item }}' }
    subject: ${{ item }}
  all: { uses: dvt/noop@1, with: { output: '${{ steps.each.output }}' } }
",
    );
    home.dvt(&["run", &plan, "-i", "people=[\"ada\",\"bob\"]", "--allow-host"]).ends(0);
    let before = readable(&home);
    // Of each: the end of the item. Of both: the list of the step, and what read it, begun and ended.
    assert!(with(&before, "CANARY-OF-ada") >= 4 && with(&before, "CANARY-OF-bob") >= 4, "control");
    erase(&home, "ada");
    let after = readable(&home);
    assert_eq!((with(&after, "CANARY-OF-ada"), with(&after, "\"ada\"")), (0, 0));
    let kept: Vec<&Value> =
        after.iter().filter(|entry| entry["payloads"].to_string().contains("bob")).collect();
    assert!(!kept.is_empty(), "his own items stay");
    assert!(kept.iter().all(|entry| entry["envelope"].to_string().contains("each.1")), "{kept:?}");
    let told = home.dvt(&["runs", "logs", "@latest", "--step", "each"]).ends(4);
    assert!(told.out.contains("CANARY-OF-bob") && !told.out.contains("CANARY-OF-ada"), "{told:#?}");
    home.dvt(&["audit", "verify", "--with-keys"]).ends(0);
}

/// A command some days later.
#[cfg(feature = "crash-points")]
fn later(home: &Home, days: u32, arguments: &[&str]) -> Told {
    let mut command = home.command(arguments);
    command.env("DVT_TEST_DAYS_LATER", days.to_string());
    Told::of(command.output().unwrap())
}

#[cfg(feature = "crash-points")]
const CLASSES: &str = "apiVersion: dvt/v1
name: classes
data: { class: financial }
steps:
  books: { uses: dvt/noop@1, with: { output: OF-BOOKS } }
  health: { uses: dvt/noop@1, dataClass: phi, with: { output: OF-HEALTH } }
  person: { uses: dvt/noop@1, dataClass: pii, with: { output: OF-PERSON } }
  plain: { script: 'echo OF-LOG', dataClass: standard }
  after: { uses: dvt/noop@1, dataClass: standard, with: { output: 'SEEN ${{ steps.health.output }}' } }
";

/// Each class ends on its own day, with the whole binary and its own clock.
#[cfg(feature = "crash-points")]
#[test]
fn each_class_is_kept_for_its_time() {
    let home = Home::new();
    let plan = home.plan("classes", CLASSES);
    home.dvt(&["run", &plan, "--allow-host"]).ends(0);
    let standing = || -> [usize; 4] {
        let all = readable(&home);
        ["OF-BOOKS", "OF-HEALTH", "OF-PERSON", "SEEN"].map(|text| usize::from(with(&all, text) > 0))
    };
    assert_eq!(standing(), [1; 4], "control");
    let mut seen = Vec::new();
    for (days, wanted) in [
        (13, [1, 1, 1, 1]),
        (366, [1, 1, 0, 1]),
        (2_191, [1, 1, 0, 1]),
        (2_193, [1, 0, 0, 0]),
        (2_558, [0; 4]),
    ] {
        later(&home, days, &["data", "sweep"]).ends(0);
        assert_eq!(standing(), wanted, "after {days} days");
        seen.push(format!("{days} d: {wanted:?}"));
    }
    println!("classes: financial, phi, pii, what read phi: {}", seen.join("; "));
}

/// The ledger is pruned by a person with a reason, once its years are over, and verifies as before.
#[cfg(feature = "crash-points")]
#[test]
fn a_ledger_is_pruned_when_its_years_are_over() {
    const YEARS: u32 = 2_558;
    let home = Home::new();
    let items: Vec<u32> = (0..300).collect();
    let text = format!(
        "apiVersion: dvt/v1\nname: wide\nsteps:\n  each: {{ foreach: {items:?}, uses: dvt/noop@1 }}\n"
    );
    let plan = home.plan("wide", &text);
    home.dvt(&["run", &plan]).ends(0);
    let told = home.dvt(&["data", "prune", "--dry-run"]).ends(0);
    assert!(told.out.contains("nothing to prune: entries are kept for 2,557 days"), "{told:#?}");
    let dry = later(&home, YEARS, &["data", "prune", "--dry-run", "--output", "json"]).ends(0).json();
    let wanted = dry["firstLeft"].as_u64().unwrap();
    // A block is never cut, and the one of all these items is large.
    assert!((1..=1_024).contains(&wanted) && dry["lowestIndex"] == 0 && dry["dryRun"] == true, "{dry}");
    assert!(later(&home, YEARS, &["data", "prune"]).ends(2).err.contains("DECISION_RECORD_INCOMPLETE"));
    assert!(later(&home, YEARS, &["data", "prune", "-m", "over"]).ends(2).err.contains("--yes"));
    home.dvt(&["data", "hold", "place", "--tenant", "-m", "case 7"]).ends(0);
    let told = later(&home, YEARS, &["data", "prune", "--yes", "-m", "over"]).ends(0);
    assert!(told.out.contains("nothing to prune") && told.out.contains("dvt data hold list"), "{told:#?}");
    let holds = home.dvt(&["data", "hold", "list", "--output", "json"]).ends(0).json();
    home.dvt(&["data", "hold", "release", holds["holds"][0]["holdId"].as_str().unwrap(), "-m", "over"])
        .ends(0);
    let whole = home.dvt(&["audit", "verify", "--output", "json"]).ends(0).json();
    assert_eq!(whole["fromIndex"], 0, "control");
    let told =
        later(&home, YEARS, &["data", "prune", "--yes", "-m", "over", "--output", "json"]).ends(0).json();
    assert_eq!((told["firstLeft"].as_u64(), told["entries"].as_u64()), (Some(wanted), Some(wanted)));
    let left = home.dvt(&["audit", "verify", "--with-keys", "--output", "json"]).ends(0).json();
    assert_eq!((&left["status"], left["fromIndex"].as_u64()), (&"VALID".into(), Some(wanted)), "{left}");
    println!("pruned: {wanted} entries after {YEARS} days, the ledger from there VALID");
}

/// What was erased for a person is no damage: the look ahead says what the act says.
#[test]
fn a_run_whose_person_is_gone_is_not_run_again_and_the_look_ahead_says_so() {
    let home = Home::new();
    let text = "apiVersion: dvt/v1\nname: gone\ndata: { class: pii }\nsteps:\n  a: { uses: dvt/noop@1, with: { output: hers }, subject: eve }\n  \
                b: { needs: a, script: 'exit 3' }\n";
    home.dvt(&["run", &home.plan("gone", text), "--allow-host"]).ends(1);
    let again = ["runs", "retry", "gone", "-m", "again", "--allow-host"];
    let ahead = [again.as_slice(), &["--dry-run"]].concat();
    home.dvt(&ahead).ends(0);
    erase(&home, "eve");
    for arguments in [ahead.as_slice(), &again] {
        let told = home.dvt(arguments).ends(4);
        assert!(told.err.contains("PAYLOAD_ERASED"), "{told:#?}");
    }
}
