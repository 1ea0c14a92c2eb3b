//! Tools whose operands or options are code: gawk(1), sed(1), ssh(1), su(1), make(1), and the manuals of the rest.

use super::program::{Operands, Program, UNKNOWN};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        names: &["awk", "gawk", "mawk", "nawk", "original-awk", "bwk"],
        flags: "bcCghIkMnNOPrsStV",
        attached: "doDLp",
        values: "fFvE",
        loads: "il",
        code: "e",
        long_flags: &[
            "--bignum",
            "--characters-as-bytes",
            "--copyright",
            "--csv",
            "--dump-variables",
            "--help",
            "--lint",
            "--no-optimize",
            "--non-decimal-data",
            "--optimize",
            "--posix",
            "--re-interval",
            "--sandbox",
            "--traditional",
            "--use-lc-numeric",
            "--version",
        ],
        long_values: &["--assign", "--exec", "--field-separator", "--file"],
        long_loads: &["--include", "--load"],
        long_code: &["--source"],
        gives: &["-f", "-E", "--file", "--exec"],
        abbreviates: true,
        operands: Operands::First,
        ..UNKNOWN
    },
    Program {
        names: &["sed", "gsed"],
        flags: "bEnrsuz",
        tail: "i",
        values: "fl",
        code: "e",
        long_flags: &[
            "--binary",
            "--debug",
            "--follow-symlinks",
            "--help",
            "--in-place",
            "--null-data",
            "--posix",
            "--quiet",
            "--regexp-extended",
            "--sandbox",
            "--separate",
            "--silent",
            "--unbuffered",
            "--version",
            "--zero-terminated",
        ],
        long_values: &["--file", "--line-length"],
        long_code: &["--expression"],
        gives: &["-f", "--file"],
        abbreviates: true,
        operands: Operands::First,
        ..UNKNOWN
    },
    Program {
        names: &["ssh", "autossh"],
        flags: "1246AaCfGgKkMNnqsTtVvXxYy",
        values: "BbcDEeFiLlmOPpQRSWw",
        // A setting such as `ProxyCommand` is a command, and a jump becomes one; a library of keys is loaded.
        loads: "oIJ",
        operands: Operands::AllButFirst,
        ..UNKNOWN
    },
    Program {
        names: &["su"],
        flags: "fhlmpPTV",
        values: "gGw",
        loads: "s",
        code: "c",
        long_flags: &["--fast", "--help", "--login", "--preserve-environment", "--pty", "--version"],
        long_values: &["--group", "--supp-group", "--whitelist-environment"],
        long_loads: &["--shell"],
        long_code: &["--command", "--session-command"],
        abbreviates: true,
        operands: Operands::AllButFirst,
        ..UNKNOWN
    },
    // It hands its words to a shell, unless `-x` says otherwise.
    Program {
        names: &["watch"],
        flags: "bcCdegprtwx",
        values: "nq",
        long_values: &["--interval", "--equexit"],
        operands: Operands::All,
        ..UNKNOWN
    },
    // What is set there may be a call of the shell, in any word that has an equals sign.
    Program {
        names: &["make", "gmake", "mingw32-make"],
        flags: "BbdehikLmnpqrRsStvw",
        values: "CfoWI",
        attached: "jlO",
        code: "E",
        long_flags: &[
            "--always-make",
            "--dry-run",
            "--ignore-errors",
            "--keep-going",
            "--no-print-directory",
            "--quiet",
            "--silent",
        ],
        long_values: &[
            "--directory",
            "--file",
            "--include-dir",
            "--jobs",
            "--load-average",
            "--makefile",
            "--old-file",
        ],
        long_code: &["--eval"],
        abbreviates: true,
        operands: Operands::All,
        ..UNKNOWN
    },
    Program {
        names: &["ansible", "ansible-playbook"],
        flags: "bChKkovD",
        values: "BcfiIlmMPTtu",
        // What a variable says is a template, and a template may run a command.
        loads: "e",
        code: "a",
        long_loads: &["--extra-vars"],
        long_code: &["--args"],
        is_complete: true,
        abbreviates: true,
        ..UNKNOWN
    },
    Program { names: &["gcloud"], is_complete: true, operands: Operands::Words, ..UNKNOWN },
    Program { names: &["gcloud compute"], is_complete: true, operands: Operands::Words, ..UNKNOWN },
    Program {
        names: &["gcloud compute ssh"],
        long_values: &["--project", "--zone"],
        long_code: &["--command"],
        is_complete: true,
        ..UNKNOWN
    },
];
