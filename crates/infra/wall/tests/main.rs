//! The starter as a real process: what its steps see, and what is left of them when anything of the chain ends.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod harness;
mod process;
mod starting;
mod strays;

use dvt_wall::descriptors::{self, Inbox};
use dvt_wall::protocol::{
    self, End, FromStarter, LOCK_VARIABLE, MARK, Refusal, Spawn, StepSignal, ToStarter,
};
use process::Watched;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("__starter") => dvt_wall::starter::main(),
        Some("__starter-without-adoption") => dvt_wall::starter::main_without_adoption(),
        _ => harness::run(&[
            ("a_step_gets_three_streams_its_environment_and_nothing_else", three_streams_and_nothing_else),
            ("a_step_is_bounded_by_the_kernel", bounded_by_the_kernel),
            ("what_cannot_start_says_why", what_cannot_start_says_why),
            ("a_program_is_looked_for_as_a_shell_does_it", starting::looked_for_as_a_shell_does),
            (
                "a_script_that_names_no_interpreter_is_read_by_the_shell",
                starting::a_script_of_nobody_is_the_shells,
            ),
            ("what_cannot_be_executed_or_stood_in_says_so", starting::what_cannot_be_executed_or_stood_in),
            ("neither_side_keeps_a_signal_of_the_other", starting::neither_side_keeps_a_signal_of_the_other),
            ("what_begins_holds_up_nobody_and_can_be_ended", starting::what_begins_holds_up_nobody),
            ("a_refusal_leaves_no_child_and_no_descriptor", starting::a_refusal_leaves_nothing),
            ("usage_and_end_are_told", usage_and_end_are_told),
            ("a_killed_step_leaves_nothing", a_killed_step_leaves_nothing),
            ("a_finished_step_leaves_nothing_and_others_keep_theirs", a_finished_step_leaves_nothing),
            (
                "what_hides_its_origin_lives_as_long_as_its_step",
                strays::what_hides_its_origin_lives_as_long_as_its_step,
            ),
            (
                "what_cannot_be_collected_holds_up_nobody_else",
                strays::what_cannot_be_collected_holds_up_nobody_else,
            ),
            ("end_of_file_takes_daemons_too", end_of_file_takes_daemons_too),
            ("control_without_adoption_the_daemon_survives", control_without_adoption),
            ("a_killed_starter_takes_its_first_processes", a_killed_starter_takes_its_first_processes),
            ("a_second_starter_waits_until_the_first_has_ended_its_steps", second_starter_waits),
            ("a_starter_without_a_lock_does_not_start", no_lock_no_start),
            ("a_message_that_cannot_be_read_ends_everything", unreadable_message),
        ]),
    }
}

/// A starter under test.
struct Starter {
    child: Child,
    socket: Option<UnixStream>,
    inbox: Inbox,
}

impl Starter {
    fn new(lock: &Path) -> Self {
        Self::verb("__starter", lock)
    }

    fn verb(verb: &str, lock: &Path) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let child = Command::new("/proc/self/exe")
            .arg(verb)
            .env_clear()
            .env(LOCK_VARIABLE, lock)
            .env("CONTROL_OF_THE_PARENT", "must not arrive")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .unwrap();
        Self { child, socket: Some(ours), inbox: Inbox::default() }
    }

    fn send(&self, message: &ToStarter, streams: &[&OwnedFd]) {
        let frame = protocol::encode(message).unwrap();
        let streams: Vec<_> = streams.iter().map(|stream| stream.as_fd()).collect();
        assert_eq!(descriptors::send(self.socket.as_ref().unwrap(), &frame, &streams).unwrap(), frame.len());
    }

    /// The next message; `None` where none comes within `seconds`.
    fn next_within(&mut self, seconds: i64) -> Option<FromStarter> {
        loop {
            if let Some(message) = protocol::decode(&mut self.inbox.bytes).unwrap() {
                return Some(message);
            }
            let socket = self.socket.as_ref().unwrap();
            let mut watch = [PollFd::new(socket, PollFlags::IN)];
            if poll(&mut watch, Some(&Timespec { tv_sec: seconds, tv_nsec: 0 })).unwrap() == 0 {
                return None;
            }
            if !self.inbox.fill(socket).unwrap() {
                return None;
            }
        }
    }

    fn next(&mut self) -> FromStarter {
        self.next_within(20).expect("the starter answers")
    }

    /// Starts `sh -c script`; gives its process and its output.
    fn shell(&mut self, key: u64, script: &str) -> (u32, BufReader<std::io::PipeReader>) {
        let (output, write) = std::io::pipe().unwrap();
        self.spawn(key, "sh", &["-c", script], write.into());
        let FromStarter::Started { key: started, pid, .. } = self.next() else { panic!("not started") };
        assert_eq!(started, key);
        (pid, BufReader::new(output))
    }

    fn spawn(&self, key: u64, program: &str, arguments: &[&str], output: OwnedFd) {
        let null = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let spawn = Spawn {
            key,
            program: program.to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            environment: vec![("PATH".into(), "/usr/bin:/bin".into()), (MARK.into(), format!("token-{key}"))],
            directory: "/".into(),
        };
        self.send(&ToStarter::Spawn(spawn), &[&null, &output, &output]);
    }

    fn kill_step(&self, key: u64) {
        self.send(&ToStarter::Signal { key, signal: StepSignal::Kill }, &[]);
    }

    /// Closes the socket and waits for the starter's end.
    fn end(mut self) {
        self.socket = None;
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        self.socket = None;
        self.child.wait().unwrap();
    }
}

fn lock() -> tempfile::NamedTempFile {
    tempfile::NamedTempFile::new().unwrap()
}

fn ready(lock: &tempfile::NamedTempFile) -> Starter {
    let mut starter = Starter::new(lock.path());
    assert_eq!(starter.next(), FromStarter::Ready);
    starter
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn all(mut reader: impl Read) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

fn pid(reader: &mut impl BufRead) -> u32 {
    line(reader).parse().expect("a process number")
}

fn three_streams_and_nothing_else() {
    let lock = lock();
    // The starter is handed a descriptor by accident, as from a careless shell: standard output without close-on-exec.
    let leaked = rustix::io::dup(std::io::stdout()).unwrap();
    let control = Command::new("ls").arg("/proc/self/fd").output().unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&leaked).to_string();
    assert!(String::from_utf8(control.stdout).unwrap().lines().any(|line| line == number), "it is handed on");
    let mut starter = ready(&lock);
    // A neighbour whose pipes the starter handled before must not show up either.
    let (_neighbour, _output) = starter.shell(1, "exec sleep 1000");
    // The folder itself is open while the shell lists it, and not any more when it asks again.
    let script = r"for f in /proc/self/fd/*; do [ -e $f ] && echo ${f##*/}; done; tr '\0' '\n' < /proc/$$/environ; true";
    let (_, output) = starter.shell(2, script);
    let text = all(output);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["0", "1", "2", "DVT_TOKEN=token-2", "PATH=/usr/bin:/bin"]);
}

fn bounded_by_the_kernel() {
    let lock = lock();
    let mut starter = ready(&lock);
    let script = "grep -E '^(NoNewPrivs|SigBlk):' /proc/self/status; ulimit -c; ulimit -n; cut -d' ' -f1,5 /proc/$$/stat";
    let (pid, output) = starter.shell(1, script);
    let text = all(output);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    assert_eq!(words[..6], ["SigBlk:", "0000000000000000", "NoNewPrivs:", "1", "0", "1024"], "{text}");
    assert_eq!(words[6..], [pid.to_string(), pid.to_string()], "its own process group");
}

fn what_cannot_start_says_why() {
    let lock = lock();
    let mut starter = ready(&lock);
    let plain = tempfile::NamedTempFile::new().unwrap();
    let plain = plain.path().to_str().unwrap();
    let cases = [
        ("no-such-program", vec![], Refusal::NotFound { program: "no-such-program".into() }),
        (plain, vec![], Refusal::NotExecutable { program: plain.into() }),
        ("echo", vec!["a\0b"], Refusal::ZeroByte { program: "echo".into() }),
    ];
    for (key, (program, arguments, reason)) in (1..).zip(cases) {
        let (_, write) = std::io::pipe().unwrap();
        starter.spawn(key, program, &arguments, write.into());
        assert_eq!(starter.next(), FromStarter::Refused { key, reason });
    }
    let (_, write) = std::io::pipe().unwrap();
    let long = "x".repeat(200_000);
    starter.spawn(9, "echo", &[long.as_str()], write.into());
    assert_eq!(
        starter.next(),
        FromStarter::Refused { key: 9, reason: Refusal::TooLong { program: "echo".into() } }
    );
}

fn usage_and_end_are_told() {
    let lock = lock();
    let mut starter = ready(&lock);
    starter.shell(1, "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 75");
    let FromStarter::Exited { key: 1, end: End::Status(75), used } = starter.next() else {
        panic!("another end")
    };
    assert!(used.cpu_ms > 0 && used.peak_memory_bytes > 100_000, "{used:?}");
    starter.shell(2, "kill -11 $$");
    assert!(matches!(starter.next(), FromStarter::Exited { key: 2, end: End::Signal(11), .. }));
}

/// Ignores SIGTERM, and leaves behind a member of its group and a daemon that left group and session.
const TREE: &str = "trap '' TERM; sleep 1000 & echo $!; \
    (setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 1000' &); wait";

fn a_killed_step_leaves_nothing() {
    let lock = lock();
    let mut starter = ready(&lock);
    let (first, mut output) = starter.shell(1, TREE);
    let watched = [Watched::new(first), Watched::new(pid(&mut output)), Watched::new(pid(&mut output))];
    starter.send(&ToStarter::Signal { key: 1, signal: StepSignal::Terminate }, &[]);
    assert!(starter.next_within(1).is_none(), "it ignores SIGTERM");
    assert!(watched.iter().all(Watched::lives));
    starter.kill_step(1);
    assert!(matches!(starter.next(), FromStarter::Exited { key: 1, end: End::Signal(9), .. }));
    assert!(watched.iter().all(|watched| !watched.lives()), "told only when nothing is left");
    assert_eq!(all(output), "", "and nobody holds its streams");
}

fn a_finished_step_leaves_nothing() {
    let lock = lock();
    let mut starter = ready(&lock);
    let daemon = "(setsid sh -c 'echo $$; exec sleep 1000' &);";
    let (_, mut kept_output) = starter.shell(1, &format!("{daemon} exec sleep 1000"));
    let kept = Watched::new(pid(&mut kept_output));
    // It goes on only once the test knows its daemon, so that there is something to be ended.
    let (gate_out, gate_in) = std::io::pipe().unwrap();
    let (output, write) = std::io::pipe().unwrap();
    let (gate, write) = (OwnedFd::from(gate_out), OwnedFd::from(write));
    let spawn = Spawn {
        key: 2,
        program: "sh".into(),
        arguments: vec!["-c".into(), format!("{daemon} read go; exit 0")],
        environment: vec![("PATH".into(), "/usr/bin:/bin".into()), (MARK.into(), "token-2".into())],
        directory: "/".into(),
    };
    starter.send(&ToStarter::Spawn(spawn), &[&gate, &write, &write]);
    drop((gate, write));
    assert!(matches!(starter.next(), FromStarter::Started { key: 2, .. }));
    let mut output = BufReader::new(output);
    let left = Watched::new(pid(&mut output));
    assert!(left.lives(), "a running step may have a daemon");
    drop(gate_in);
    let ended = starter.next();
    assert!(matches!(ended, FromStarter::Exited { key: 2, .. }), "{ended:?}");
    assert!(!left.lives(), "an ended one may not");
    assert!(kept.lives(), "the neighbour keeps its own");
}

// INVARIANT(INV-29)
fn end_of_file_takes_daemons_too() {
    let lock = lock();
    let mut starter = ready(&lock);
    let (first, mut output) = starter.shell(1, TREE);
    let watched = [Watched::new(first), Watched::new(pid(&mut output)), Watched::new(pid(&mut output))];
    assert!(watched.iter().all(Watched::lives));
    starter.end();
    assert!(watched.iter().all(|watched| !watched.lives()));
}

/// The same attack on a starter that does not adopt: the daemon outlives it, so the case above sees what it says it sees.
fn control_without_adoption() {
    let lock = lock();
    let mut starter = Starter::verb("__starter-without-adoption", lock.path());
    assert_eq!(starter.next(), FromStarter::Ready);
    let (_, mut output) = starter.shell(1, TREE);
    let member = Watched::new(pid(&mut output));
    let daemon = Watched::new(pid(&mut output));
    starter.end();
    assert!(member.ends_within(20));
    assert!(daemon.lives());
    daemon.kill();
    assert!(daemon.ends_within(20));
}

fn a_killed_starter_takes_its_first_processes() {
    let lock = lock();
    let mut starter = ready(&lock);
    let (first, _output) = starter.shell(1, "trap '' TERM; exec sleep 1000");
    let first = Watched::new(first);
    starter.child.kill().unwrap();
    assert!(first.ends_within(20));
}

// INVARIANT(INV-29)
fn second_starter_waits() {
    let lock = lock();
    let mut first = ready(&lock);
    let (step, mut output) = first.shell(1, TREE);
    let watched = [Watched::new(step), Watched::new(pid(&mut output)), Watched::new(pid(&mut output))];
    let mut second = Starter::new(lock.path());
    assert!(second.next_within(1).is_none(), "the first one holds the lock");
    // Control: on another lock file it would not have waited.
    let other = self::lock();
    drop(ready(&other));
    first.socket = None;
    assert_eq!(second.next(), FromStarter::Ready);
    assert!(watched.iter().all(|watched| !watched.lives()), "no step of the first is alive by then");
}

fn no_lock_no_start() {
    let mut starter = Starter::verb("__starter", Path::new(""));
    assert!(starter.next_within(20).is_none());
    assert!(!starter.child.wait().unwrap().success());
}

fn unreadable_message() {
    let lock = lock();
    let mut starter = ready(&lock);
    let (step, _output) = starter.shell(1, "exec sleep 1000");
    let step = Watched::new(step);
    let frame = [&5_u32.to_be_bytes()[..], b"hello"].concat();
    descriptors::send(starter.socket.as_ref().unwrap(), &frame, &[]).unwrap();
    assert!(step.ends_within(20));
    assert!(!starter.child.wait().unwrap().success());
}
