//! The live tree as people see it: inside a real terminal (tmux), at 80 and 200 columns, after a resize, without colour, in a pipe.
//!
//! The small screen of `terminal.rs` refuses what it does not know; this one folds lines and reflows them as terminals do. Times,
//! ids and the spinner are masked, everything else is compared as it stands. Where there is no tmux the tests say so; under `CI`
//! that is an error.

use crate::home::Home;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(40);
const STUCK: Duration = Duration::from_secs(60);

/// Steps in each state of a run that rests: done, done twice, items, waiting, waited for, left out.
const RESTING: &str = "apiVersion: dvt/v1
name: night
steps:
  orders: { uses: dvt/noop@1, with: { output: { rows: 1204 } } }
  regions: { foreach: '[\"eu\", \"us\", \"apac\"]', uses: dvt/noop@1 }
  shaky:
    needs: orders
    script: test \"$DVT_ATTEMPT\" != 1 || exit 75
    retry: { max: 2, initial: 50ms, jitter: none, on: [transient] }
  unwanted: { needs: orders, if: 'steps.orders.output.rows > 9999', uses: dvt/noop@1 }
  a-name-as-long-as-people-make-them-today: { needs: [shaky, regions], wait: 10ms }
  release: { needs: a-name-as-long-as-people-make-them-today, approval: { role: operator } }
  publish: { needs: release, uses: dvt/noop@1 }
  tell: { needs: [publish, unwanted], if: always(), uses: dvt/noop@1 }
";

/// What stands on the screen while it rests, masked, below the two lines that name run and walls.
const TREE: &str = "  ✓ orders  T  1,204 rows
  ✓ regions  T  3/3 items
  ✓ shaky  T  2 attempts
  - unwanted  left out: its condition is false
  ✓ a-name-as-long-as-people-make-t…  T
  ~ release  T
  · publish  waits for release
  · tell  waits for publish
";

/// One terminal on a server of its own.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// `None` where there is no tmux, which is said.
    fn start(home: &Home, columns: u16, line: &str, more: &[(&str, &str)]) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "the transcripts need tmux: apt-get install tmux");
            println!("skipped: the transcripts need tmux: apt-get install tmux");
            return None;
        }
        let terminal = Self { socket: home.path("tmux").display().to_string() };
        let dvt = home.command(&[]);
        let mut command = Command::new("tmux");
        command.env_clear().envs(dvt.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
        command.envs(more.iter().copied()).current_dir(home.path("")).stdin(Stdio::null());
        command.args(["-u", "-S", &terminal.socket, "-f", "/dev/null", "new-session", "-d"]);
        // It stays when the command has ended, so that its last picture can be read.
        let held = format!("{line}; echo \"ended with $?\"; exec sleep 1000");
        command.args(["-x", &columns.to_string(), "-y", "24", &held]);
        let told = command.output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        Some(terminal)
    }

    fn tmux(&self, words: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.args(["-u", "-S", &self.socket]).args(words).env("LC_ALL", "C.UTF-8").output().unwrap()
    }

    /// The screen and what has left it, with escapes where they are asked for.
    fn text(&self, escapes: bool) -> String {
        let words = ["capture-pane", "-p", "-S", "-", "-e"];
        let words = words.get(..if escapes { 5 } else { 4 }).unwrap();
        String::from_utf8(self.tmux(words).stdout).unwrap()
    }

    /// Looks until the text stands there and the picture is the same twice.
    #[track_caller]
    fn until(&self, text: &str) -> String {
        let (_keep, tick) = mpsc::channel::<()>();
        let (begun, mut before) = (Instant::now(), String::new());
        loop {
            let shown = self.text(false);
            if (shown.contains(text) || masked(&shown).contains(text)) && masked(&shown) == masked(&before) {
                return shown;
            }
            assert!(begun.elapsed() < STUCK, "`{text}` never stood there:\n{shown}");
            before = shown;
            // Nothing is ever sent: a tick between two looks.
            tick.recv_timeout(TICK).unwrap_or_default();
        }
    }

    fn resize(&self, columns: u16) {
        let told = self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", "24"]);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// Times as `T`, the spinner as `~`, runs of blanks as two: a step that took longer moves no column.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words: Vec<String> =
            line.trim_end().split("  ").filter(|word| !word.trim().is_empty()).map(mask).collect();
        if !words.is_empty() {
            out.push_str(&format!("  {}\n", words.join("  ")));
        }
    }
    out
}

fn mask(words: &str) -> String {
    let spins = |character: char| "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏".contains(character);
    let words = words.trim().replace(spins, "~");
    let is_time = |word: &str| {
        let number = word.strip_suffix("ms").or(word.strip_suffix('s')).unwrap_or_default();
        !number.is_empty() && number.chars().all(|character| character.is_ascii_digit() || character == '.')
    };
    let words = words.split(' ').map(|word| if is_time(word) { "T" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// From the first step on.
fn tree(text: &str) -> String {
    let masked = masked(text);
    let from = masked.find("  ✓ orders").unwrap_or_else(|| panic!("no tree: {text}"));
    masked[from..].to_owned()
}

fn settled(plan: &str) -> (Home, String) {
    let home = Home::new();
    home.dvt(&["config", "show"]).ends(0);
    let plan = home.plan("night", plan);
    let line = format!("{} run {plan} --allow-host", env!("CARGO_BIN_EXE_dvt"));
    (home, line)
}

fn release(home: &Home) {
    home.dvt(&["runs", "approve", "@latest", "release", "-m", "the figures are right"]).ends(0);
}

#[test]
fn a_resting_run_at_80_and_200_columns() {
    for columns in [80, 200] {
        let (home, line) = settled(RESTING);
        let Some(terminal) = Terminal::start(&home, columns, &line, &[]) else { return };
        let shown = terminal.until("~ release");
        assert_eq!(tree(&shown), TREE, "{columns} columns:\n{shown}");
        let first = shown.lines().next().unwrap();
        assert!(first.starts_with("night  run_") && (columns == 80 || first.contains("8 steps")), "{shown}");
        release(&home);
        let shown = terminal.until("ended with 0");
        let end = tree(&shown);
        let (steps, below) = end.split_at(end.find("  COMPLETED in").unwrap_or_else(|| panic!("{shown}")));
        let last = TREE
            .replace("~ release", "✓ release")
            .replace("· publish  waits for release", "✓ publish  T")
            .replace("· tell  waits for publish", "✓ tell  T");
        assert_eq!(steps, last, "{columns} columns:\n{shown}");
        assert!(below.contains("dvt runs get @latest") && !below.contains('✓'), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() < usize::from(columns)), "{shown}");
    }
}

/// Narrower, the terminal folds what was painted; the next picture stands over all of it. And wider again. (The screen is full
/// before: of one that is not, tmux moves folded lines out of reach, into what has left the screen.)
#[test]
fn after_a_resize_there_is_one_picture() {
    let (home, line) = settled(RESTING);
    let Some(terminal) = Terminal::start(&home, 200, &format!("seq 24; {line}"), &[]) else { return };
    assert_eq!(tree(&terminal.until("~ release")), TREE);
    for (columns, cut) in
        [(40, "left out: its c…"), (80, "its condition is false"), (200, "its condition is false")]
    {
        terminal.resize(columns);
        let shown = terminal.until(cut);
        for name in ["orders", "regions", "unwanted", "tell"] {
            let marked = shown.lines().filter(|line| line.split_whitespace().nth(1) == Some(name)).count();
            assert_eq!(marked, 1, "{name} at {columns} columns:\n{shown}");
        }
        if columns > 40 {
            assert_eq!(tree(&shown), TREE, "{columns} columns:\n{shown}");
        }
    }
    release(&home);
    let shown = terminal.until("ended with 0");
    assert_eq!(shown.matches("✓ orders").count(), 1, "{shown}");
}

#[test]
fn no_color_leaves_a_terminal_without_escapes() {
    for (more, coloured) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let (home, line) = settled(RESTING);
        let Some(terminal) = Terminal::start(&home, 80, &line, more) else { return };
        terminal.until("~ release");
        let shown = terminal.text(true);
        assert_eq!(shown.contains("\u{1b}["), coloured, "{shown}");
        assert_eq!(tree(&terminal.text(false)), TREE, "it stays alive: only the colour goes");
        release(&home);
        terminal.until("ended with 0");
        assert_eq!(terminal.text(true).contains("\u{1b}["), coloured);
    }
}

/// Into a pipe go plain lines, one an event, whatever stands at its end.
#[test]
fn a_pipe_gets_lines() {
    let (home, line) = settled(&RESTING.replace("approval: { role: operator }", "wait: 10ms"));
    let Some(terminal) = Terminal::start(&home, 200, &format!("{line} | cat"), &[]) else { return };
    let shown = terminal.until("ended with 0");
    let events: Vec<&str> = shown.lines().filter(|line| line.starts_with("20")).collect();
    assert!(
        events.iter().all(|line| line.split("  ").next().is_some_and(|time| time.ends_with('Z'))),
        "{shown}"
    );
    for text in [
        "run              queued",
        "shaky            failed in ",
        "; again in ",
        "unwanted         skipped: CONDITION_FALSE",
    ] {
        assert_eq!(events.iter().filter(|line| line.contains(text)).count(), 1, "{text}: {shown}");
    }
    assert!(events.last().is_some_and(|line| line.ends_with("run              completed")), "{shown}");
    assert!(!terminal.text(true).contains("\u{1b}[") && !shown.contains(['✓', '⠋']), "{shown}");
}
