//! Processes that left their step's group and session: whose they are, and whom they hold up.

use crate::process::Watched;
use crate::{Starter, line, lock, pid, ready};
use dvt_wall::protocol::{End, FromStarter};
use std::os::fd::OwnedFd;

/// Starts `true` and waits for its end.
fn another_ends(starter: &mut Starter, key: u64) {
    let (_output, write) = std::io::pipe().unwrap();
    starter.spawn(key, "true", &[], OwnedFd::from(write));
    loop {
        match starter.next() {
            FromStarter::Started { key: started, .. } if started == key => {}
            FromStarter::Exited { key: ended, end: End::Status(0), .. } if ended == key => return,
            other => panic!("{other:?}"),
        }
    }
}

/// An agent without environment, group and session of its step is its step's: others end beside it, and it ends with its own.
pub(crate) fn what_hides_its_origin_lives_as_long_as_its_step() {
    let lock = lock();
    let mut starter = ready(&lock);
    let script = "(env -i setsid sh -c 'echo $$; exec sleep 1000' &); exec sleep 1000";
    let (_, mut output) = starter.shell(1, script);
    let agent = Watched::new(pid(&mut output));
    for key in 2..6 {
        another_ends(&mut starter, key);
        assert!(agent.lives(), "it is its step's, which runs");
    }
    starter.kill_step(1);
    let ended = starter.next();
    assert!(matches!(ended, FromStarter::Exited { key: 1, .. }), "{ended:?}");
    assert!(!agent.lives(), "an ended step has no agent");
}

/// Seizes a daemon of its own, kills it and does not collect it: its starter cannot either.
const SEIZES: &str = r#"
import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
(told, tell), (go, goes) = os.pipe(), os.pipe()
middle = os.fork()
if middle == 0:
    daemon = os.fork()
    if daemon == 0:
        os.setsid()
        while True: signal.pause()
    os.write(tell, str(daemon).encode())
    os.read(go, 1)
    os._exit(0)
daemon = int(os.read(told, 32))
if libc.ptrace(0x4206, daemon, None, None) != 0:
    print("not seized", ctypes.get_errno(), flush=True)
    sys.exit(1)
os.write(goes, b"x")
os.waitpid(middle, 0)
os.kill(daemon, signal.SIGKILL)
while open(f"/proc/{daemon}/stat").read().rsplit(")", 1)[1].split()[0] != "Z":
    time.sleep(0.01)
print("seized", flush=True)
while True: signal.pause()
"#;

pub(crate) fn what_cannot_be_collected_holds_up_nobody_else() {
    let lock = lock();
    let mut starter = ready(&lock);
    let (output, write) = std::io::pipe().unwrap();
    starter.spawn(1, "python3", &["-c", SEIZES], write.into());
    let started = starter.next();
    assert!(matches!(started, FromStarter::Started { key: 1, .. }), "{started:?}");
    assert_eq!(line(&mut std::io::BufReader::new(output)), "seized");
    another_ends(&mut starter, 2);
    // Control: it runs still, and its end takes both.
    starter.kill_step(1);
    let ended = starter.next();
    assert!(matches!(ended, FromStarter::Exited { key: 1, end: End::Signal(9), .. }), "{ended:?}");
}
