//! Git, word by word: what it runs on the other side, what it hands to a shell, and settings that are commands.

use super::program::{Operands, Program, UNKNOWN};

const GIT: Program = Program { is_complete: true, abbreviates: true, ..UNKNOWN };

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        names: &["git"],
        flags: "hpPv",
        values: "C",
        // A setting such as `core.sshCommand` or `alias.x` is a command.
        loads: "c",
        long_flags: &[
            "--bare",
            "--glob-pathspecs",
            "--help",
            "--literal-pathspecs",
            "--no-optional-locks",
            "--no-pager",
            "--no-replace-objects",
            "--paginate",
            "--version",
        ],
        long_values: &["--git-dir", "--namespace", "--work-tree"],
        long_loads: &["--config-env", "--exec-path"],
        operands: Operands::Words,
        ..UNKNOWN
    },
    Program {
        names: &["git clone"],
        flags: "46hlnqsv",
        values: "bjo",
        loads: "cu",
        long_flags: &[
            "--bare",
            "--mirror",
            "--no-checkout",
            "--no-single-branch",
            "--no-tags",
            "--quiet",
            "--recurse-submodules",
            "--single-branch",
        ],
        long_values: &["--branch", "--depth", "--filter", "--jobs", "--origin", "--reference", "--revision"],
        long_loads: &["--config", "--template", "--upload-pack"],
        ..GIT
    },
    Program {
        names: &["git init"],
        flags: "q",
        values: "b",
        long_flags: &["--bare", "--quiet"],
        long_values: &["--initial-branch", "--object-format", "--separate-git-dir"],
        long_loads: &["--template"],
        ..GIT
    },
    Program {
        names: &["git fetch", "git pull", "git ls-remote", "git fetch-pack"],
        flags: "46aefhkmnpPqrtuv",
        values: "josSX",
        long_flags: &[
            "--all",
            "--force",
            "--heads",
            "--no-tags",
            "--prune",
            "--quiet",
            "--rebase",
            "--tags",
            "--unshallow",
        ],
        long_values: &["--deepen", "--depth", "--jobs", "--refmap", "--shallow-since"],
        long_loads: &["--exec", "--upload-pack"],
        ..GIT
    },
    Program {
        names: &["git push", "git send-pack"],
        flags: "46dfhnquv",
        values: "o",
        long_flags: &[
            "--all",
            "--delete",
            "--dry-run",
            "--follow-tags",
            "--force",
            "--quiet",
            "--set-upstream",
            "--tags",
        ],
        long_values: &["--push-option"],
        long_loads: &["--exec", "--receive-pack"],
        ..GIT
    },
    Program {
        names: &["git archive"],
        flags: "0123456789hlv",
        values: "o",
        long_values: &["--add-file", "--format", "--output", "--prefix", "--remote"],
        long_loads: &["--exec"],
        ..GIT
    },
    Program {
        names: &["git grep"],
        flags: "abcEFGhHiIlLnopPqrvwWz",
        values: "ABCefm",
        loads: "O",
        long_loads: &["--open-files-in-pager"],
        ..GIT
    },
    Program {
        names: &["git rebase"],
        flags: "fhikmnqrv",
        values: "CsX",
        code: "x",
        long_flags: &[
            "--abort",
            "--autosquash",
            "--autostash",
            "--continue",
            "--interactive",
            "--root",
            "--skip",
        ],
        long_values: &["--onto", "--strategy", "--strategy-option"],
        long_code: &["--exec"],
        ..GIT
    },
    Program {
        names: &["git difftool"],
        flags: "dghy",
        values: "t",
        loads: "x",
        long_flags: &["--dir-diff", "--gui", "--no-prompt"],
        long_values: &["--tool"],
        long_loads: &["--extcmd"],
        ..GIT
    },
    Program {
        names: &["git filter-branch"],
        flags: "f",
        values: "d",
        long_values: &["--original", "--state-branch", "--subdirectory-filter"],
        long_code: &[
            "--commit-filter",
            "--env-filter",
            "--index-filter",
            "--msg-filter",
            "--parent-filter",
            "--setup",
            "--tag-name-filter",
            "--tree-filter",
        ],
        ..GIT
    },
    Program { names: &["git bisect"], operands: Operands::Words, ..GIT },
    Program { names: &["git submodule"], long_flags: &["--quiet"], operands: Operands::Words, ..GIT },
    Program { names: &["git bisect run"], operands: Operands::RunsAfter(0), ..UNKNOWN },
    Program {
        names: &["git submodule foreach"],
        long_flags: &["--recursive"],
        operands: Operands::All,
        ..UNKNOWN
    },
];
