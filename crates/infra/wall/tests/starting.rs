//! How a step begins: where it is looked for, what it stands in, what it does not inherit, and that the starter is as before.

use crate::{Starter, all, line, lock, ready};
use dvt_wall::protocol::{End, FromStarter, Refusal, Spawn, StepSignal, ToStarter};
use std::fs::Permissions;
use std::io::{BufReader, PipeReader};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Asks for a program with one argument, looked up in `path`, in the directory; gives its output.
fn begin(starter: &Starter, key: u64, program: &str, path: &str, directory: &str) -> PipeReader {
    let null = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    let (output, write) = std::io::pipe().unwrap();
    let write = OwnedFd::from(write);
    let spawn = Spawn {
        key,
        program: program.to_owned(),
        arguments: vec!["an argument".to_owned()],
        environment: vec![("PATH".to_owned(), path.to_owned())],
        directory: directory.to_owned(),
    };
    starter.send(&ToStarter::Spawn(spawn), &[&null, &write, &write]);
    output
}

/// What a program prints that is started so, and ends well.
fn printed(starter: &mut Starter, program: &str, path: &str, directory: &str) -> String {
    let output = begin(starter, 1, program, path, directory);
    let answer = starter.next();
    assert!(matches!(answer, FromStarter::Started { key: 1, .. }), "{answer:?}");
    let ended = starter.next();
    assert!(matches!(ended, FromStarter::Exited { key: 1, end: End::Status(0), .. }), "{ended:?}");
    all(output)
}

/// Why a program does not start.
fn refused(starter: &mut Starter, program: &str, path: &str, directory: &str) -> Refusal {
    let output = begin(starter, 1, program, path, directory);
    let answer = starter.next();
    let FromStarter::Refused { key: 1, reason } = answer else { panic!("it started") };
    assert_eq!(all(output), "", "nobody holds its streams");
    reason
}

fn file(folder: &Path, name: &str, mode: u32, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

pub(crate) fn looked_for_as_a_shell_does() {
    let (lock, folder) = (lock(), tempfile::tempdir().unwrap());
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    for folder in [&first, &second] {
        std::fs::create_dir(folder).unwrap();
    }
    file(&first, "tool", 0o644, "#!/bin/sh\necho first");
    file(&second, "tool", 0o755, "#!/bin/sh\necho second \"$1\"");
    let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
    let mut starter = ready(&lock);
    let both = format!("/nowhere:/dev/null:{first}:{second}");
    assert_eq!(
        printed(&mut starter, "tool", &both, "/"),
        "second an argument\n",
        "what may not be executed is passed over"
    );
    let forbidden = Refusal::NotExecutable { program: "tool".into() };
    let one = format!("{first}:/nowhere");
    assert_eq!(refused(&mut starter, "tool", &one, "/"), forbidden, "but it is remembered");
    assert_eq!(
        printed(&mut starter, "tool", "", second),
        "second an argument\n",
        "no folder is the working directory"
    );
    assert_eq!(
        printed(&mut starter, "./tool", "/nowhere", second),
        "second an argument\n",
        "and so is a path"
    );
    let missing = Refusal::NotFound { program: "true".into() };
    assert_eq!(
        refused(&mut starter, "true", "/nowhere:/dev/null", "/"),
        missing,
        "in no other `PATH` than its own"
    );
}

pub(crate) fn a_script_of_nobody_is_the_shells() {
    let (lock, folder) = (lock(), tempfile::tempdir().unwrap());
    let script = file(folder.path(), "script", 0o755, "echo \"$0 and $1\"");
    let mut starter = ready(&lock);
    let expected = format!("{script} and an argument\n");
    assert_eq!(printed(&mut starter, &script, "/nowhere", "/"), expected);
    assert_eq!(printed(&mut starter, "script", folder.path().to_str().unwrap(), "/"), expected);
}

pub(crate) fn what_cannot_be_executed_or_stood_in() {
    let (lock, folder) = (lock(), tempfile::tempdir().unwrap());
    let tool = file(folder.path(), "tool", 0o755, "#!/no/such/interpreter");
    let inside = format!("{tool}/inside");
    let directory = folder.path().to_str().unwrap();
    let mut starter = ready(&lock);
    let not_found = |program: &str| Refusal::NotFound { program: program.to_owned() };
    for program in [tool.as_str(), inside.as_str(), ""] {
        assert_eq!(refused(&mut starter, program, "/bin", "/"), not_found(program));
    }
    let not_executable = Refusal::NotExecutable { program: directory.to_owned() };
    assert_eq!(refused(&mut starter, directory, "/bin", "/"), not_executable);
    for place in ["/no/such/folder", tool.as_str()] {
        assert_eq!(refused(&mut starter, "pwd", "/bin", place), not_found("pwd"), "in {place}");
    }
    // Control: with a folder to stand in it is started there.
    let place = file(folder.path(), "place", 0o755, "#!/bin/sh\npwd");
    assert_eq!(printed(&mut starter, &place, "/bin", directory), format!("{directory}\n"));
    // Its length is the kernel's affair, and its number is told.
    let long = format!("/{}", "x".repeat(5_000));
    let too_long = Refusal::System { program: long.clone(), errno: 36 };
    assert_eq!(refused(&mut starter, &long, "/bin", "/"), too_long);
    assert_eq!(
        refused(&mut starter, &"y".repeat(300), "/bin", "/"),
        Refusal::System { program: "y".repeat(300), errno: 36 }
    );
}

/// Which signals are blocked, ignored and handled: lines of `/proc/…/status`.
fn signals(status: &str) -> [u64; 3] {
    ["SigBlk:", "SigIgn:", "SigCgt:"].map(|name| {
        let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(value.trim(), 16).unwrap()
    })
}

pub(crate) fn neither_side_keeps_a_signal_of_the_other() {
    const PIPE: u64 = 1 << 12;
    let lock = lock();
    let mut starter = ready(&lock);
    let status = format!("/proc/{}/status", starter.child.id());
    let of_the_starter = || signals(&std::fs::read_to_string(&status).unwrap());
    let before @ [blocked, ignored, handled] = of_the_starter();
    // SIGCHLD; SIGPIPE and what whoever started us ignores; SIGBUS and SIGSEGV.
    assert_eq!((blocked, ignored & PIPE, handled), (1 << 16, PIPE, 0x440), "there is something to hand on");
    let (_, output) = starter.shell(1, "exec cat /proc/self/status");
    assert_eq!(signals(&all(output)), [0, ignored & !PIPE, 0]);
    assert!(matches!(starter.next(), FromStarter::Exited { key: 1, end: End::Status(0), .. }));
    // A child that failed had come as far as a child can come in the starter's own memory.
    refused(&mut starter, "no-such-program", "/bin", "/");
    assert_eq!(of_the_starter(), before);
}

pub(crate) fn a_refusal_leaves_nothing() {
    let lock = lock();
    let mut starter = ready(&lock);
    let process = starter.child.id();
    let of_the_starter = |what: &str| format!("/proc/{process}/{what}");
    let open = || std::fs::read_dir(of_the_starter("fd")).unwrap().count();
    let children = || std::fs::read_to_string(of_the_starter(&format!("task/{process}/children"))).unwrap();
    refused(&mut starter, "no-such-program", "/bin", "/");
    let before = open();
    for _ in 0..50 {
        refused(&mut starter, "no-such-program", "/bin", "/");
        refused(&mut starter, "pwd", "/bin", "/no/such/folder");
    }
    assert_eq!((open(), children()), (before, String::new()));
    // Control: a step is seen there.
    let (step, _output) = starter.shell(2, "exec sleep 1000");
    assert_eq!(children().trim(), step.to_string());
}

/// Holds a lease on a file, and with it up whoever opens it, until nothing more can come.
const HOLDER: &str = "import fcntl, os, signal, sys
file = os.open(sys.argv[1], os.O_RDONLY)
fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
sys.stdin.read()";

struct Lease(Child);

impl Lease {
    fn take(path: &str) -> Self {
        let mut holder = Command::new("python3");
        let holder = holder.args(["-c", HOLDER, path]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = holder.spawn().unwrap();
        assert_eq!(line(&mut BufReader::new(holder.stdout.take().unwrap())), "held");
        Self(holder)
    }

    fn give_back(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

pub(crate) fn what_begins_holds_up_nobody() {
    let has = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !has.is_ok_and(|status| status.success()) {
        let missing = "a start that is held up needs Python: apt-get install python3";
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        println!("{missing}; left out here");
        return;
    }
    let (lock, folder) = (lock(), tempfile::tempdir().unwrap());
    let late = file(folder.path(), "late", 0o755, "#!/bin/sh\necho late");
    let mut starter = ready(&lock);
    let lease = Lease::take(&late);
    let output = begin(&starter, 2, &late, "/bin", "/");
    // It cannot become the program now; another step begins and ends beside it.
    assert_eq!(printed(&mut starter, "echo", "/bin", "/"), "an argument\n");
    assert!(starter.next_within(0).is_none(), "what is not the program yet has not started");
    lease.give_back();
    let FromStarter::Started { key: 2, since_us, .. } = starter.next() else { panic!("another answer") };
    assert!(since_us > 0);
    assert!(matches!(starter.next(), FromStarter::Exited { key: 2, end: End::Status(0), .. }));
    assert_eq!(all(output), "late\n");
    // It is signalled like any other, from the first moment.
    for (key, signal, number) in [(3, StepSignal::Terminate, 15), (4, StepSignal::Kill, 9)] {
        let lease = Lease::take(&late);
        let output = begin(&starter, key, &late, "/bin", "/");
        starter.send(&ToStarter::Signal { key, signal }, &[]);
        assert!(matches!(starter.next(), FromStarter::Started { key: started, .. } if started == key));
        let ended = starter.next();
        let by_signal = |end| end == End::Signal(number);
        assert!(
            matches!(ended, FromStarter::Exited { key: of, end, .. } if of == key && by_signal(end)),
            "{ended:?}"
        );
        assert_eq!(all(output), "");
        lease.give_back();
    }
    // And it goes with the starter.
    let lease = Lease::take(&late);
    let output = begin(&starter, 5, &late, "/bin", "/");
    starter.end();
    assert_eq!(all(output), "");
    lease.give_back();
}
