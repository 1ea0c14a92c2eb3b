//! What runs another program: env(1), sudo(8), xargs(1), find(1), script(1), and the manuals of the rest. Which program it is must
//! be known, as it must be for a step.

use super::program::{Operands, Program, UNKNOWN};

const RUNNER: Program = Program { operands: Operands::Runs, ..UNKNOWN };
const FIRST: Program = Program { operands: Operands::RunsAfter(0), abbreviates: true, ..UNKNOWN };
const SECOND: Program = Program { operands: Operands::RunsAfter(1), abbreviates: true, ..UNKNOWN };

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        names: &["env", "genv"],
        code: "S",
        flags: "0iv",
        values: "aCu",
        long_flags: &[
            "--block-signal",
            "--debug",
            "--default-signal",
            "--ignore-environment",
            "--ignore-signal",
            "--null",
        ],
        long_values: &["--argv0", "--chdir", "--unset"],
        long_code: &["--split-string"],
        operands: Operands::RunsWith,
        abbreviates: true,
        ..UNKNOWN
    },
    Program {
        names: &["sudo"],
        flags: "AbBEeHiKklNnPSsVv",
        values: "CDghpRrtTUu",
        long_flags: &[
            "--background",
            "--login",
            "--non-interactive",
            "--preserve-env",
            "--set-home",
            "--shell",
            "--stdin",
        ],
        long_values: &[
            "--chdir",
            "--chroot",
            "--close-from",
            "--command-timeout",
            "--group",
            "--host",
            "--prompt",
            "--role",
            "--type",
            "--user",
        ],
        operands: Operands::RunsWith,
        ..UNKNOWN
    },
    Program { names: &["doas"], flags: "Lns", values: "Cu", ..FIRST },
    Program {
        names: &["nice", "gnice"],
        flags: "0123456789",
        values: "n",
        long_values: &["--adjustment"],
        ..FIRST
    },
    Program {
        names: &["nohup", "setsid", "time", "toybox", "busybox", "unbuffer", "tini", "dumb-init"],
        flags: "acfghpqvVw",
        values: "o",
        long_flags: &["--append", "--ctty", "--fork", "--portability", "--verbose", "--wait"],
        long_values: &["--format", "--output"],
        ..FIRST
    },
    Program { names: &["stdbuf"], values: "eio", long_values: &["--error", "--input", "--output"], ..FIRST },
    Program {
        names: &["xargs", "gxargs"],
        flags: "0oprtx",
        values: "aEdILnPs",
        tail: "eil",
        long_flags: &["--exit", "--interactive", "--no-run-if-empty", "--null", "--open-tty", "--verbose"],
        long_values: &[
            "--arg-file",
            "--delimiter",
            "--max-args",
            "--max-chars",
            "--max-procs",
            "--process-slot-var",
        ],
        ..FIRST
    },
    Program {
        names: &["ionice"],
        flags: "thV",
        values: "cnpPu",
        long_flags: &["--ignore"],
        long_values: &["--class", "--classdata", "--pgid", "--pid", "--uid"],
        ..FIRST
    },
    // Its first word is code behind `-s`.
    Program { names: &["entr"], flags: "acdnprxz", wants: "s", ..FIRST },
    Program {
        names: &["timeout", "gtimeout"],
        flags: "fpv",
        values: "ks",
        long_flags: &["--foreground", "--preserve-status", "--verbose"],
        long_values: &["--kill-after", "--signal"],
        ..SECOND
    },
    Program { names: &["gosu", "su-exec", "setuidgid"], ..SECOND },
    Program {
        names: &["chroot"],
        long_flags: &["--skip-chdir"],
        long_values: &["--groups", "--userspec"],
        ..SECOND
    },
    Program {
        names: &["taskset"],
        flags: "acp",
        long_flags: &["--all-tasks", "--cpu-list", "--pid"],
        ..SECOND
    },
    Program {
        names: &["flock"],
        flags: "eFhnosuVx",
        values: "Ew",
        code: "c",
        long_flags: &[
            "--close",
            "--exclusive",
            "--no-fork",
            "--nonblock",
            "--shared",
            "--unlock",
            "--verbose",
        ],
        long_values: &["--conflict-exit-code", "--timeout", "--wait"],
        long_code: &["--command"],
        ..SECOND
    },
    Program {
        names: &["script"],
        flags: "aefhqV",
        values: "BEImoOT",
        tail: "t",
        code: "c",
        long_code: &["--command"],
        abbreviates: true,
        ..RUNNER
    },
    Program {
        names: &["runuser"],
        flags: "fhlmpPV",
        values: "gGuw",
        code: "cs",
        long_code: &["--command", "--session-command", "--shell"],
        abbreviates: true,
        ..RUNNER
    },
    Program { names: &["unshare", "setpriv"], ..RUNNER },
    // Its words are one command to a shell, and what replaces a part of it is Perl.
    Program {
        names: &["parallel", "sem"],
        flags: "0hkmqtvX",
        values: "aCdIjLnNPs",
        long_flags: &[
            "--bar",
            "--dry-run",
            "--eta",
            "--keep-order",
            "--line-buffer",
            "--null",
            "--progress",
            "--will-cite",
        ],
        long_values: &[
            "--arg-file",
            "--colsep",
            "--delay",
            "--halt",
            "--jobs",
            "--joblog",
            "--memfree",
            "--results",
            "--retries",
            "--timeout",
        ],
        operands: Operands::All,
        ..UNKNOWN
    },
    Program {
        names: &["find", "gfind"],
        long_runs: &["-exec", "-execdir", "-ok", "-okdir"],
        single_dash: true,
        ..RUNNER
    },
    Program { names: &["npx", "npm exec", "npm x"], code: "c", long_code: &["--call"], ..RUNNER },
    Program { names: &["npm"], is_complete: true, operands: Operands::Words, ..UNKNOWN },
    Program {
        names: &["nix-shell"],
        code: "Ep",
        long_code: &["--command", "--expr", "--packages", "--run"],
        ..RUNNER
    },
    Program { names: &["nix"], long_code: &["--expr"], ..RUNNER },
    Program { names: &["systemd-run"], code: "p", long_code: &["--property"], ..RUNNER },
    Program {
        names: &[
            "bwrap",
            "catchsegv",
            "chpst",
            "chrt",
            "crictl",
            "docker",
            "exec",
            "faketime",
            "firejail",
            "kubectl",
            "ltrace",
            "nerdctl",
            "nsenter",
            "oc",
            "perf",
            "pkexec",
            "pipenv",
            "podman",
            "poetry",
            "proot",
            "setarch",
            "strace",
            "uv",
            "xvfb-run",
            "command",
            "builtin",
        ],
        ..RUNNER
    },
];
