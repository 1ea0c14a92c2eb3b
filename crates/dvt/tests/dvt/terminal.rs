//! The live view on a real (pseudo) terminal, read by a small model of a screen that refuses a line that wraps.

use crate::home::{ENDLESS, Home, Running};
use crate::runs::cancel::WAY_OUT;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

const ROWS: u16 = 24;

/// A screen with the few movements that DVT makes. Any other escape fails the test.
struct Screen {
    width: usize,
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    colours: usize,
    /// An escape that is not whole yet.
    pending: String,
}

impl Screen {
    fn new(width: usize) -> Self {
        Self { width, lines: vec![Vec::new()], row: 0, column: 0, colours: 0, pending: String::new() }
    }

    fn feed(&mut self, text: &str) {
        for character in text.chars() {
            if !self.pending.is_empty() || character == '\u{1b}' {
                self.pending.push(character);
                if self.pending.len() > 2 && character.is_ascii_alphabetic() {
                    let escape = std::mem::take(&mut self.pending);
                    self.obey(&escape);
                }
                continue;
            }
            match character {
                '\r' => self.column = 0,
                '\n' => {
                    self.row += 1;
                    if self.row == self.lines.len() {
                        self.lines.push(Vec::new());
                    }
                }
                other => self.put(other),
            }
        }
    }

    fn put(&mut self, character: char) {
        assert!(self.column < self.width, "a line wraps: {}{character}", self.line(self.row));
        let line = &mut self.lines[self.row];
        line.resize(line.len().max(self.column + 1), ' ');
        line[self.column] = character;
        self.column += 1;
    }

    fn obey(&mut self, escape: &str) {
        let (number, last) = escape[2..].split_at(escape.len() - 3);
        match last {
            "A" => {
                let up: usize = number.parse().unwrap();
                assert!(up <= self.row && up < usize::from(ROWS), "up {up} from {}", self.row);
                self.row -= up;
            }
            "K" if number == "2" => self.lines[self.row].clear(),
            "K" => self.lines[self.row].truncate(self.column),
            "J" => {
                self.lines[self.row].truncate(self.column);
                self.lines.truncate(self.row + 1);
            }
            "m" => self.colours += 1,
            // Wrapping off and on: here a line that reaches the edge fails in either case.
            "l" | "h" => assert_eq!(number, "?7", "{escape:?}"),
            _ => panic!("an escape that no view needs: {escape:?}"),
        }
    }

    fn line(&self, row: usize) -> String {
        self.lines[row].iter().collect()
    }

    fn text(&self) -> String {
        (0..self.lines.len()).map(|row| self.line(row).trim_end().to_owned() + "\n").collect()
    }
}

/// A command on a terminal of its own.
struct Terminal {
    child: Child,
    keyboard: File,
    screen: Screen,
    /// Everything that was written to it.
    written: String,
}

impl Terminal {
    /// `setsid --ctty` makes the terminal the controlling one, so that Ctrl-C is a signal.
    fn start(home: &Home, width: u16, more: &[(&str, &str)], arguments: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        tcsetwinsize(&ours, Winsize { ws_row: ROWS, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let open = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
        let dvt = home.command(arguments);
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(dvt.get_program()).args(dvt.get_args());
        command.env_clear().envs(dvt.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "xterm-256color").envs(more.iter().copied());
        command.current_dir(home.path("")).stdin(open()).stdout(open()).stderr(open());
        let child = command.spawn().unwrap();
        drop(command);
        let keyboard = File::from(ours);
        Self { child, keyboard, screen: Screen::new(usize::from(width)), written: String::new() }
    }

    /// Reads on until the screen shows the text so often; `false` at the end of the output.
    fn shows(&mut self, text: &str, times: usize) -> bool {
        let mut held = Vec::new();
        let mut bytes = [0u8; 4096];
        while self.screen.text().matches(text).count() < times || !held.is_empty() {
            // The kernel says EIO when the last holder of the terminal is gone.
            let Ok(read @ 1..) = self.keyboard.read(&mut bytes) else { return false };
            held.extend_from_slice(&bytes[..read]);
            let whole = match std::str::from_utf8(&held) {
                Ok(text) => text.len(),
                Err(error) => error.valid_up_to(),
            };
            let text = std::str::from_utf8(&held[..whole]).unwrap();
            self.screen.feed(text);
            self.written.push_str(text);
            held.drain(..whole);
        }
        true
    }

    #[track_caller]
    fn until(&mut self, text: &str) {
        self.until_times(text, 1);
    }

    #[track_caller]
    fn until_times(&mut self, text: &str, times: usize) {
        assert!(self.shows(text, times), "`{text}` never showed:\n{}", self.screen.text());
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Exit code, last screen, colours.
    fn end(self) -> (i32, String, usize) {
        let (code, screen, colours, _) = self.end_with_all();
        (code, screen, colours)
    }

    /// The same, and everything that was written.
    fn end_with_all(mut self) -> (i32, String, usize, String) {
        assert!(!self.shows("\u{0}", 1), "no such character is ever shown");
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        (code, self.screen.text(), self.screen.colours, self.written)
    }
}

/// Three programs, one of which fails first and comes again, and a wait.
const LIVELY: &str = "apiVersion: dvt/v1\nname: lively\nsteps:\n  orders: { script: \"echo '{\\\"rows\\\": 1204}'\", output: json }\n  pause: { wait: 300ms }\n  check:\n    needs: orders\n    script: test \"$DVT_ATTEMPT\" != 1 || exit 75\n    retry: { max: 2, initial: 200ms, jitter: none, on: [transient] }\n  load: { needs: [check, pause], script: 'true' }\n";

fn settled() -> Home {
    let home = Home::new();
    home.dvt(&["config", "show"]).ends(0);
    home
}

#[test]
fn the_last_picture_stays_and_the_summary_stands_below() {
    let home = settled();
    let plan = home.plan("lively", LIVELY);
    for width in [60, 80, 200] {
        let terminal = Terminal::start(&home, width, &[], &["run", &plan, "--allow-host"]);
        let (code, screen, colours) = terminal.end();
        assert_eq!(code, 0, "{screen}");
        assert!(colours > 0, "a terminal gets colours: {screen}");
        let lines: Vec<&str> = screen.lines().collect();
        assert!(
            lines[0].starts_with("lively  run_") && lines[1].starts_with("walls: none (host"),
            "{screen}"
        );
        for (line, start) in
            lines[2..6].iter().zip(["  ✓ orders  ", "  ✓ pause   ", "  ✓ check   ", "  ✓ load    "])
        {
            assert!(line.starts_with(start), "{start}: {screen}");
        }
        assert!(lines[2].ends_with("1,204 rows") && lines[4].ends_with("2 attempts"), "{screen}");
        assert!(lines[6].is_empty() && lines[7].starts_with("COMPLETED in "), "{screen}");
        assert!(screen.contains("slowest: ") && !screen.contains("slowest: pause"), "{screen}");
        assert!(screen.contains("dvt runs get @latest"), "{screen}");
        assert_eq!(
            screen.matches("orders").count(),
            1 + screen.matches("--step orders").count() + screen.matches("slowest: orders").count(),
            "one picture: {screen}"
        );
    }
}

#[test]
fn no_color_means_none() {
    let home = settled();
    let plan = home.plan("lively", LIVELY);
    let arguments = ["run", &plan, "--allow-host"];
    let (code, screen, colours) = Terminal::start(&home, 80, &[("NO_COLOR", "1")], &arguments).end();
    assert_eq!((code, colours), (0, 0), "{screen}");
    assert!(screen.contains("✓ load") && screen.contains("COMPLETED in "), "{screen}");
}

#[test]
fn a_failure_fits_the_screen() {
    let home = settled();
    let long = "x".repeat(300);
    let plan = home.plan("bad", &format!("apiVersion: dvt/v1\nname: bad\nsteps:\n  break: {{ script: \"echo {long}; exit 3\" }}\n  after: {{ needs: break, uses: dvt/noop@1 }}\n"));
    let (code, screen, _) = Terminal::start(&home, 60, &[], &["run", &plan, "--allow-host"]).end();
    assert_eq!(code, 1, "{screen}");
    for text in [
        "  ✗ break",
        "  · after  not started",
        "failed[STEP_ERROR]: step break",
        "  │ xxx",
        "x…",
        "  = why:  ",
        "  = next: dvt runs logs run_",
        "FAILED in ",
    ] {
        assert!(screen.contains(text), "{text}: {screen}");
    }
}

#[test]
fn ctrl_c_asks_why_and_cancels_for_that_reason() {
    let home = settled();
    let plan = home.plan("endless", ENDLESS);
    let mut terminal = Terminal::start(&home, 80, &[], &["run", &plan, "--allow-host"]);
    terminal.until("long   0.");
    terminal.types("\u{3}");
    terminal.until("Why cancel it?");
    terminal.types("\n");
    terminal.until("it goes on\n");
    terminal.until("long   ");
    terminal.types("\u{3}");
    terminal.until_times("Why cancel it?", 2);
    terminal.types("wrong file\n");
    let (code, screen, _) = terminal.end();
    assert_eq!(code, 3, "{screen}");
    assert!(screen.contains("✗ long") && screen.contains("CANCELLED in "), "{screen}");
    assert!(!screen.contains("^C\n"), "nothing is left of the key: {screen}");
    // The same record as that of `dvt runs cancel`.
    let exported = home.dvt(&["audit", "export", "--payloads"]).ends(0).out;
    let record = exported.lines().find(|line| line.contains("\"wrong file\"")).unwrap();
    assert!(
        record.contains("\"operation\":\"CANCEL\"") && record.contains("\"actorRole\":\"tenant-admin\""),
        "{record}"
    );
}

/// Twice: the run is killed where it stands, and the answer says that it is not cancelled and how it goes on.
#[test]
fn ctrl_c_twice_leaves_the_run_recovering() {
    let home = settled();
    let plan = home.plan("endless", ENDLESS);
    let mut terminal = Terminal::start(&home, 80, &[], &["run", &plan, "--allow-host"]);
    terminal.until("long   0.");
    terminal.types("\u{3}");
    terminal.until("Why cancel it?");
    terminal.types("\u{3}");
    let (code, screen, _) = terminal.end();
    assert_eq!(code, 5, "{screen}");
    for text in [
        "RECOVERING",
        "1 running step killed",
        "go on:  dvt runs resume run_",
        "end it: dvt runs cancel run_",
    ] {
        assert!(screen.contains(text), "{text}: {screen}");
    }
    let run = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!((&run["status"], &run["substatus"]), (&"RUNNING".into(), &"RECOVERING".into()));
    home.dvt(&["runs", "cancel", "@latest", "-m", "enough"]).ends(0);
}

/// Who cancels on a terminal is told what that changes, then asked why; without a reason nothing is done.
#[test]
fn a_cancel_says_what_it_changes_before_it_asks_why() {
    const TOLD: &str = "  told to end, and killed 5 s later: load
  closed: gate
  run if their condition holds then: excuse
  undone, in this order: hotel, flight
  run at the end: tell
  nothing else starts
Why is it to be cancelled?";
    let home = settled();
    let plan = home.plan("trip", WAY_OUT);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"stepId\":\"load\"");
    let run = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    let name = run["runId"].as_str().unwrap()[..12].to_owned();
    let cancelled = |answer: &str| {
        let mut terminal = Terminal::start(&home, 80, &[("NO_COLOR", "1")], &["runs", "cancel", "trip"]);
        terminal.until("Why is it to be cancelled?");
        terminal.types(answer);
        let (code, screen, _) = terminal.end();
        (code, screen.trim_end().to_owned())
    };
    let (code, screen) = cancelled(" \n");
    assert_eq!(code, 2, "{screen}");
    let refused = screen.strip_prefix(TOLD).unwrap_or_else(|| panic!("{screen}"));
    let first = "error[DECISION_RECORD_INCOMPLETE]: no reason was given, so nothing was done\n";
    assert!(refused.trim_start().starts_with(first), "{screen}");
    assert_eq!(home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json()["status"], "RUNNING");

    let (code, screen) = cancelled("no time\n");
    let asked = format!("{TOLD} no time\n{name}: cancel requested: no time\n");
    let rest =
        format!("running steps get 5 s to end, nothing new starts\nsee how it goes on: dvt runs get {name}");
    assert_eq!((code, screen), (0, asked + &rest));
    running.end().ends(3);
    let exported = home.dvt(&["audit", "export", "--payloads"]).ends(0).out;
    assert_eq!(
        exported.matches("\"justificationText\":\"no time\"").count(),
        1,
        "the reason stands in the ledger"
    );
}

/// What a long command counts is on the terminal while it works, and what stays is what goes into a pipe.
#[test]
fn long_commands_say_how_far_they_are() {
    let home = settled();
    home.completed_run(&[]);
    // Everything that it opens is opened once before, so that nothing is entered or sealed between the looks.
    let piped = home.dvt(&["audit", "verify"]).ends(0);
    assert!(piped.err.is_empty(), "{piped:#?}");
    let entries: u64 = piped.out.split(' ').find_map(|word| word.parse().ok()).unwrap();
    let counted = format!("\rentries {entries} of {entries}");
    let verify = ["audit", "verify"];
    for (more, is_shown) in [
        (&[("NO_COLOR", "1")][..], true),
        (&[("NO_COLOR", "1"), ("CI", "true")], false),
        (&[("NO_COLOR", "1"), ("TERM", "dumb")], false),
    ] {
        let (code, screen, colours, written) = Terminal::start(&home, 200, more, &verify).end_with_all();
        assert_eq!((code, colours, screen.trim_end()), (0, 0, piped.out.trim_end()), "{more:?}");
        assert_eq!(written.contains(&counted), is_shown, "{more:?}: {written:?}");
        assert_eq!(written.contains("\u{1b}[K"), is_shown, "{more:?}: {written:?}");
    }
    for (command, counts, result) in [
        (&["audit", "verify", "--with-keys"][..], "\rentries ", "ledger of tenant "),
        (&["store", "check"], "\r2 of 2 tenants · entries ", "the platform whole: "),
        (&["store", "backup", "monday.backup"], "\rread back ", "monday.backup: 2 tenants, "),
    ] {
        let (code, screen, _, written) = Terminal::start(&home, 200, &[], command).end_with_all();
        assert!(code == 0 && screen.starts_with(result), "{command:?}: {screen}");
        assert!(written.contains(counts) && !screen.contains(&counts[1..]), "{command:?}: {written:?}");
        std::fs::remove_file(home.path("monday.backup")).ok();
        let quiet = [command, &["--quiet"]].concat();
        let (code, screen, _, written) = Terminal::start(&home, 200, &[], &quiet).end_with_all();
        assert!(code == 0 && screen.starts_with(result), "{quiet:?}: {screen}");
        assert!(!written.contains("\u{1b}[K"), "{quiet:?}: {written:?}");
        std::fs::remove_file(home.path("monday.backup")).ok();
        let piped = home.dvt(command).ends(0);
        assert!(!piped.err.contains('\r') && !piped.out.contains('\r'), "{piped:#?}");
    }
}

/// Tables and states keep to the edge too, and what they name can be typed.
#[test]
fn lists_fit_the_screen() {
    let home = settled();
    let run = home.completed_run(&[]);
    let (code, screen, _) = Terminal::start(&home, 80, &[], &["runs", "list"]).end();
    assert!(code == 0 && screen.contains(&run[..12]) && !screen.contains(&run), "{screen}");
    home.dvt(&["runs", "get", &run[..12]]).ends(0);
    let (code, screen, _) = Terminal::start(&home, 120, &[], &["runs", "list"]).end();
    assert!(code == 0 && screen.contains(&run), "{screen}");
    let (code, screen, _) = Terminal::start(&home, 60, &[], &["runs", "get", "@latest"]).end();
    assert!(code == 0 && screen.contains("✓ one"), "{screen}");
    // That it was looked at is an entry, so the numbers differ.
    let words = |text: &str| -> Vec<String> {
        text.split_whitespace().map(|word| word.replace(|digit: char| digit.is_ascii_digit(), "")).collect()
    };
    let piped = home.dvt(&["store", "check"]).ends(0).out;
    let (code, screen, _) = Terminal::start(&home, 50, &[], &["store", "check"]).end();
    assert!(code == 0 && screen.lines().all(|line| line.chars().count() < 50), "{screen}");
    assert!(piped.lines().count() == 2 && words(&screen) == words(&piped), "{screen}{piped}");
}
