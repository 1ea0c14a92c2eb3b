//! Published plans: their versions keep their digest, and other plans run them by name.

use crate::home::Home;

const LOAD: &str = "apiVersion: dvt/v1\nname: load\nversion: 1.0.0\ninputs: { n: { type: integer } }\nfiles: [say.sh]\nsteps:\n  say: { run: [./say.sh, '${{ inputs.n }}'], output: json }\noutputs: { twice: '${{ steps.say.output }}' }\n";

fn published(home: &Home) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let script = home.path("say.sh");
    std::fs::write(&script, "#!/bin/sh\necho $(($1 * 2))\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    home.plan("load", LOAD)
}

#[test]
fn a_version_keeps_its_digest() {
    let home = Home::new();
    let plan = published(&home);
    let dry = home.dvt(&["plan", "publish", &plan, "--dry-run", "--output", "json"]).ends(0).json();
    assert_eq!((&dry["published"], &dry["already"]), (&false.into(), &false.into()));
    assert!(!home.path("home").exists(), "a look writes nothing");
    let first = home.dvt(&["plan", "publish", &plan, "--output", "json"]).ends(0).json();
    assert_eq!((&first["published"], &first["already"]), (&true.into(), &false.into()));
    assert_eq!(first["digest"], dry["digest"]);
    let again = home.dvt(&["plan", "publish", &plan, "--output", "json"]).ends(0).json();
    assert_eq!((&again["digest"], &again["already"]), (&first["digest"], &true.into()));

    home.plan("load", &LOAD.replace("* 2", "* 3").replace("twice", "thrice"));
    for more in [&["--dry-run"][..], &[]] {
        let told = home.dvt(&[&["plan", "publish", &plan], more].concat()).ends(6);
        assert!(told.err.contains("PLAN_VERSION_EXISTS") && told.err.contains("dvt plan get load@1.0.0"));
    }
    home.plan("load", &LOAD.replace("version: 1.0.0\n", "").replace("twice", "thrice"));
    let told = home.dvt(&["plan", "publish", &plan]).ends(2);
    assert!(told.err.contains("--as 1.0.0"), "{told:#?}");
    for wrong in ["1.0", "latest", "0.0.0-dev.d0123456789ab"] {
        home.dvt(&["plan", "publish", &plan, "--as", wrong]).ends(2);
    }
    home.dvt(&["plan", "publish", &plan, "--as", "1.1.0"]).ends(0);
    home.completed_run(&[]);

    let list = |more: &[&str]| {
        let told = home.dvt(&[&["plan", "list", "--output", "json"], more].concat()).ends(0).json();
        let plans = told["plans"].as_array().unwrap().clone();
        let text = |plan: &serde_json::Value| {
            format!("{} {}", plan["planName"].as_str().unwrap(), plan["planVersion"].as_str().unwrap())
        };
        (plans.iter().map(text).collect::<Vec<_>>(), told["next"].as_str().map(str::to_owned))
    };
    assert_eq!(list(&[]).0, ["load 1.1.0", "load 1.0.0"]);
    assert!(list(&["--all"]).0[0].starts_with("quick 0.0.0-dev.d"));
    let (page, next) = list(&["load", "--limit", "1"]);
    let next = next.unwrap();
    assert_eq!(
        (page, list(&["load", "--limit", "1", "--cursor", &next]).0),
        (vec!["load 1.1.0".to_owned()], vec!["load 1.0.0".to_owned()])
    );
    assert!(home.dvt(&["plan", "list", "--cursor", &next]).ends(2).err.contains("INVALID_CURSOR"));

    let get = |name: &str| home.dvt(&["plan", "get", name, "--output", "json"]).ends(0).json();
    assert_eq!(get("load@1.0.0")["digest"], first["digest"]);
    assert_eq!(get("load@1.0.0")["document"]["outputs"]["twice"], "${{ steps.say.output }}");
    assert_eq!(
        (&get("load")["planVersion"], &get("load@latest")["planVersion"]),
        (&"1.1.0".into(), &"1.1.0".into())
    );
    for unknown in ["load@2.0.0", "nobody"] {
        assert!(home.dvt(&["plan", "get", unknown]).ends(4).err.contains("NOT_FOUND"));
    }
    let entries = home.dvt(&["audit", "show", "--type", "CONFIG_CHANGED", "--output", "json"]).ends(0).out;
    assert_eq!(entries.matches("PlanPublished").count(), 2, "{entries}");
    home.dvt(&["audit", "verify"]).ends(0);
    home.dvt(&["store", "check"]).ends(0);
}

/// Everything that a plan below is made of lies in the store: its file may be gone.
#[test]
fn a_published_plan_runs_below_another_one() {
    let home = Home::new();
    let plan = published(&home);
    let parent = home.plan("parent", "apiVersion: dvt/v1\nname: parent\nversion: 1.0.0\nsteps:\n  sub: { plan: load@1.0.0, with: { n: 21 } }\noutputs: { all: '${{ steps.sub.output.twice }}' }\n");
    let told = home.dvt(&["lint", &parent]).ends(2);
    assert!(told.err.contains("no plan is published on this machine yet"), "{told:#?}");
    home.dvt(&["plan", "publish", &plan]).ends(0);
    home.dvt(&["lint", &parent]).ends(0);
    for file in ["load.yaml", "say.sh"] {
        std::fs::remove_file(home.path(file)).unwrap();
    }
    let ended = home.dvt(&["run", &parent, "--allow-host", "--output", "json"]).ends(0).json();
    assert_eq!(ended["outputs"]["all"], 42, "{ended}");
    home.dvt(&["plan", "stats", &parent]).ends(0);
    home.dvt(&["plan", "diff", &parent, &parent]).ends(0);

    // Two levels: what stands in the middle pins what it runs.
    home.dvt(&["plan", "publish", &parent]).ends(0);
    let top = home.plan("top", "apiVersion: dvt/v1\nname: top\nsteps:\n  sub: { plan: parent@1.0.0 }\noutputs: { all: '${{ steps.sub.output.all }}' }\n");
    let ended = home.dvt(&["run", &top, "--allow-host", "--output", "json"]).ends(0).json();
    assert_eq!(ended["outputs"]["all"], 42, "{ended}");

    let wrong = home.plan(
        "wrong",
        "apiVersion: dvt/v1\nname: wrong\nsteps:\n  sub: { plan: load@9.0.0, with: { n: 1 } }\n",
    );
    let told = home.dvt(&["lint", &wrong]).ends(2);
    assert!(told.err.contains("`load` has no version 9.0.0; it has 1.0.0"), "{told:#?}");
    let told = home.dvt(&["run", &wrong, "--allow-host"]).ends(2);
    assert!(told.err.contains("nothing was started"), "{told:#?}");
    home.dvt(&["audit", "verify"]).ends(0);
}

/// Killed after each of its commits in turn: it is published or it is not, and asking again says which and finishes it.
#[cfg(feature = "crash-points")]
#[test]
fn a_kill_around_a_commit_publishes_whole_or_not_at_all() {
    let home = Home::new();
    published(&home);
    let plan = home.plan("load", &LOAD.replace("version: 1.0.0\n", ""));
    home.dvt(&["config", "show"]).ends(0);
    let (mut absent, mut present) = (0, 0);
    for hit in 1..40 {
        let version = format!("1.0.{hit}");
        let publish = ["plan", "publish", &plan, "--as", &version, "--output", "json"];
        let site = format!("after-commit-before-answer:{hit}");
        let output = home.command(&publish).env("DVT_CRASH_AT", site).output().unwrap();
        if output.status.success() {
            break;
        }
        let list = home.dvt(&["plan", "list", "load", "--output", "json"]).ends(0).json();
        let listed = |row: &serde_json::Value| row["planVersion"] == version.as_str();
        let there = list["plans"].as_array().unwrap().iter().any(listed);
        if there {
            present += 1
        } else {
            absent += 1
        }
        home.dvt(&["audit", "verify"]).ends(0);
        assert_eq!(home.dvt(&publish).ends(0).json()["already"], there, "{version}");
    }
    println!("{absent} kills left no plan, {present} a whole one");
    assert!(absent > 0 && present > 0, "{absent} and {present}");
    home.dvt(&["store", "check"]).ends(0);
}

/// A published plan is run by its name: from anywhere, without its files, as what it was published.
#[test]
fn a_published_plan_runs_by_its_name() {
    let home = Home::new();
    let plan = published(&home);
    home.dvt(&["plan", "publish", &plan]).ends(0);
    let above = home.plan(
        "above",
        "apiVersion: dvt/v1\nname: above\nversion: 2.0.0\nsteps:\n  down: { plan: load@1.0.0, with: { n: 4 } }\noutputs: { twice: '${{ steps.down.output.twice }}' }\n",
    );
    home.dvt(&["plan", "publish", &above]).ends(0);
    for file in ["load.yaml", "above.yaml", "say.sh"] {
        std::fs::remove_file(home.path(file)).unwrap();
    }
    let run =
        |arguments: &[&str]| home.dvt(&[&["run", "--allow-host", "--output", "json"], arguments].concat());
    for (name, inputs, twice) in
        [("load@1.0.0", &["-i", "n=21"][..], 42), ("load@latest", &["-i", "n=3"], 6), ("above@2.0.0", &[], 8)]
    {
        let told = run(&[&[name], inputs].concat()).ends(0).json();
        assert_eq!(told["outputs"]["twice"], twice, "{told}");
    }
    let got = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(got["planVersion"], "2.0.0", "{got}");
    // What it needs is asked for and refused as for a file.
    assert!(run(&["load@1.0.0"]).ends(2).err.contains("`n`"));
    home.dvt(&["run", "load@1.0.0", "-i", "n=1"]).ends(4);
    let dry = run(&["above@2.0.0", "--dry-run"]).ends(0).json();
    assert_eq!((&dry["planName"], &dry["needsHost"]), (&"above".into(), &true.into()), "{dry}");
    let told = run(&["load@3.0.0"]).ends(4);
    assert!(told.err.contains("`load` has no version 3.0.0; it has 1.0.0"), "{told:#?}");
    assert!(run(&["laod@1.0.0"]).err.contains("no plan `laod` is published here"));
    // A file of that name is a file.
    home.plan("load@1.0.0", "no plan");
    assert!(run(&["load@1.0.0.yaml"]).ends(2).err.contains("INVALID_PLAN_SCHEMA"));
}
