//! How a step begins: where it is looked for, what it stands in, what it does not inherit, and that the starter is as before.

use crate::{Starter, all, lock, ready};
use dvt_wall::protocol::{End, FromStarter, Refusal, Spawn, ToStarter};
use std::fs::Permissions;
use std::io::PipeReader;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A program without arguments, looked up in `path`, in the directory.
fn start(
    starter: &mut Starter,
    key: u64,
    program: &str,
    path: &str,
    directory: &str,
) -> (FromStarter, PipeReader) {
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
    (starter.next(), output)
}

/// What a program prints that is started so, and ends well.
fn printed(starter: &mut Starter, program: &str, path: &str, directory: &str) -> String {
    let (answer, output) = start(starter, 1, program, path, directory);
    assert!(matches!(answer, FromStarter::Started { key: 1, .. }), "{answer:?}");
    let ended = starter.next();
    assert!(matches!(ended, FromStarter::Exited { key: 1, end: End::Status(0), .. }), "{ended:?}");
    all(output)
}

/// Why a program does not start.
fn refused(starter: &mut Starter, program: &str, path: &str, directory: &str) -> Refusal {
    let (answer, output) = start(starter, 1, program, path, directory);
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
