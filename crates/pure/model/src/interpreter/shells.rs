//! Shells. The code of `-c` is their first operand, whatever options stand between: bash(1), dash(1), zsh(1), ksh(1), tcsh(1);
//! fish(1) and PowerShell (about_Pwsh) take it as a value.

use super::program::{After, Operands, Plus, Program, UNKNOWN};

/// Every letter but `c`, and `o` and `O` that name a setting, takes nothing.
const LETTERS: &str = "abdefghijklmnpqrstuvwxyzABCDEFGHIJKLMNPQRSTUVWXYZ0123456789";

const SHELL: Program = Program {
    flags: LETTERS,
    values: "oO",
    wants: "c",
    plus: Plus::Letters,
    operands: Operands::Script,
    ..UNKNOWN
};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        names: &["bash", "rbash"],
        // Also with one dash.
        long_flags: &[
            "--debugger",
            "--dump-po-strings",
            "--dump-strings",
            "--help",
            "--login",
            "--noediting",
            "--noprofile",
            "--norc",
            "--posix",
            "--pretty-print",
            "--restricted",
            "--verbose",
            "--version",
            "-debugger",
            "-login",
            "-noediting",
            "-noprofile",
            "-norc",
            "-posix",
            "-restricted",
            "-verbose",
        ],
        long_values: &["--init-file", "--rcfile", "-init-file", "-rcfile"],
        ..SHELL
    },
    Program {
        names: &[
            "sh", "dash", "ash", "zsh", "rzsh", "ksh", "rksh", "ksh93", "pdksh", "mksh", "lksh", "oksh",
            "loksh", "yash", "posh", "hush", "osh", "csh", "tcsh",
        ],
        long_flags: &["--login", "--posix", "--emulate", "--no-rcs", "--version", "--help"],
        ..SHELL
    },
    Program {
        names: &["fish"],
        flags: "ilNnPhv",
        values: "doDfp",
        code: "cC",
        long_flags: &[
            "--interactive",
            "--login",
            "--no-config",
            "--no-execute",
            "--print-rusage-self",
            "--print-debug-categories",
            "--private",
            "--help",
            "--version",
        ],
        long_values: &[
            "--debug",
            "--debug-output",
            "--debug-stack-frames",
            "--features",
            "--profile",
            "--profile-startup",
        ],
        long_code: &["--command", "--init-command"],
        abbreviates: true,
        operands: Operands::Script,
        ..UNKNOWN
    },
    Program { names: &["pwsh", "pwsh-preview"], operands: Operands::Script, ..POWERSHELL },
    // The one of Windows takes its words for a command where no option says what they are.
    Program { names: &["powershell"], operands: Operands::All, ..POWERSHELL },
];

const POWERSHELL: Program = Program {
    long_flags: &[
        "-help",
        "-interactive",
        "-i",
        "-login",
        "-l",
        "-mta",
        "-noexit",
        "-noe",
        "-nologo",
        "-nol",
        "-noninteractive",
        "-noni",
        "-noprofile",
        "-nop",
        "-noprofileloadtime",
        "-sta",
        "-version",
        "-v",
        "-?",
        "-h",
    ],
    long_values: &[
        "-configurationname",
        "-config",
        "-custompipename",
        "-executionpolicy",
        "-ex",
        "-ep",
        "-inputformat",
        "-inp",
        "-if",
        "-outputformat",
        "-o",
        "-of",
        "-settingsfile",
        "-settings",
        "-windowstyle",
        "-w",
        "-workingdirectory",
        "-wd",
        "-wo",
    ],
    long_loads: &["-configurationfile", "-psconsolefile"],
    long_code: &[
        "-command",
        "-c",
        "-commandwithargs",
        "-cwa",
        "-encodedcommand",
        "-e",
        "-ec",
        "-encodedarguments",
        "-ea",
    ],
    long_last: &["-file", "-f"],
    abbreviates: true,
    ignores_case: true,
    single_dash: true,
    after_code: After::Code,
    ..UNKNOWN
};
