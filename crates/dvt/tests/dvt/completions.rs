//! What a shell offers while somebody types, and the manual pages.

use crate::home::{Home, Running, Told};
use std::path::Path;
use std::process::{Command, Stdio};

fn offered(home: &Home, words: &[&str]) -> Vec<String> {
    let told = home.dvt(&[&["__complete", "--"], words].concat()).ends(0);
    assert!(told.err.is_empty(), "{words:?}: {told:#?}");
    told.out.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn commands_flags_values_runs_steps_and_plans_are_offered() {
    let home = Home::new();
    assert!(offered(&home, &["runs", "get", ""]).is_empty());
    assert!(!home.path("home").exists(), "typing makes no profile");
    let run = home.completed_run(&[]);
    let brief = &run[..12];
    let has = |words: &[&str], wanted: &[&str]| {
        let found = offered(&home, words);
        for one in wanted {
            assert!(found.iter().any(|word| word == one), "{words:?} offers {found:?}, not {one}");
        }
        found
    };
    has(&[""], &["run", "runs", "plan", "demo"]);
    assert_eq!(has(&["ru"], &[]), ["run", "runs"]);
    has(&["runs", ""], &["list", "why", "logs"]);
    assert_eq!(has(&["runs", "get", ""], &[]), ["@latest", brief]);
    assert_eq!(has(&["runs", "get", "@l"], &[]), ["@latest"]);
    assert_eq!(has(&["runs", "why", brief, ""], &[]), ["one", "two"]);
    assert_eq!(has(&["runs", "logs", "@latest", "--step", "t"], &[]), ["two"]);
    assert_eq!(has(&["runs", "logs", "@latest", "--output=js"], &[]), ["--output=json", "--output=jsonl"]);
    has(&["runs", "list", "--output", ""], &["table", "json", "jsonl"]);
    has(&["runs", "list", "--st"], &["--status"]);
    has(&["runs", "list", "--status", "f"], &["failed"]);
    has(&["lint", "plan.y"], &[":files"]);
    has(&["runs", "list", "--profile", ""], &["default"]);
    has(&["explain", "RUN_T"], &["RUN_TERMINAL"]);
    let plan = home.plan("quick", crate::home::QUICK);
    home.dvt(&["plan", "publish", &plan, "--as", "1.2.0"]).ends(0);
    assert_eq!(has(&["plan", "get", "q"], &[]), ["quick@1.2.0"]);
    for nothing in [&["runs", "get", "nobody", ""][..], &["nonsense", ""], &["runs", "why", "7c1e12", ""]] {
        offered(&home, nothing);
    }
}

/// What bash puts in the place of the last word: it breaks words at `@` and `=`.
fn bash(home: &Home, line: &str) -> Vec<String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_dvt")).parent().unwrap().display().to_string();
    let script = format!(
        "PATH={binary}:$PATH\nsource <(dvt completions bash)\nread -ra COMP_WORDS < <(sed -E 's/([@=:])/ \\1 /g' <<<\"$1\")\n\
         [[ $1 == *' ' ]] && COMP_WORDS+=(\"\")\nCOMP_LINE=\"$1\"; COMP_POINT=${{#1}}; COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
         compopt() {{ :; }}\n_dvt\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    );
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-c", &script, "bash", line]);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("DVT_HOME", home.path("home"));
    command.current_dir(home.path("")).stdin(Stdio::null());
    let told = Told::of(command.output().unwrap());
    told.out.lines().map(str::to_owned).collect()
}

#[test]
fn bash_is_given_what_it_can_put_in_its_place() {
    let home = Home::new();
    let run = home.completed_run(&[]);
    assert_eq!(bash(&home, "dvt ru"), ["run", "runs"]);
    assert_eq!(bash(&home, "dvt runs get @l"), ["latest"]);
    assert_eq!(bash(&home, "dvt runs get run"), [&run[..12]]);
    assert_eq!(bash(&home, "dvt runs why @latest "), ["one", "two"]);
    assert_eq!(bash(&home, "dvt runs list --output=ta"), ["table"]);
    assert_eq!(bash(&home, "dvt lint qu"), ["quick.yaml"]);
}

#[test]
fn each_shell_has_a_script_that_asks_for_candidates() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.dvt(&["completions", shell]).ends(0).out;
        assert!(script.contains("dvt __complete -- "), "{shell}");
        // Where the shell is here, it reads the script.
        let has = Command::new("sh").args(["-c", &format!("command -v {shell}")]).output().unwrap();
        if has.status.success() {
            std::fs::write(home.path("script"), script).unwrap();
            let read = Command::new(shell).arg("-n").arg(home.path("script")).output().unwrap();
            assert!(read.status.success(), "{shell}: {read:?}");
        }
    }
    home.dvt(&["completions", "tcsh"]).ends(2);
}

#[test]
fn every_command_has_a_manual_page() {
    let home = Home::new();
    home.dvt(&["man", "--to", "pages"]).ends(0);
    let mut names: Vec<String> = std::fs::read_dir(home.path("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for page in ["dvt.1", "dvt-runs-why.1", "dvt-data-hold-release.1"] {
        assert!(names.iter().any(|name| name == page), "{page}: {names:?}");
    }
    assert!(names.iter().all(|name| !name.contains("__")), "{names:?}");
    let why = std::fs::read_to_string(home.path("pages/dvt-runs-why.1")).unwrap();
    assert!(why.contains(".TH dvt-runs-why 1") && why.contains("dvt runs why @latest load"), "{why}");
    assert_eq!(home.dvt(&["man", "runs", "why"]).ends(0).out, why);
    assert!(home.dvt(&["man", "runs", "whi"]).ends(2).err.contains("no command `whi`"));
    assert!(!home.path("home").exists());
}

/// A completion while another process works: it disturbs nothing.
#[test]
fn a_running_run_is_offered_too() {
    let home = Home::new();
    let plan = home.plan("endless", crate::home::ENDLESS);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"StepStarted\"");
    assert_eq!(offered(&home, &["runs", "cancel", ""])[0], "@latest");
    home.dvt(&["runs", "cancel", "@latest", "-m", "seen enough"]).ends(0);
    running.end().ends(3);
}
