//! The only task runner: `cargo xtask <verb>`. One file per verb; each fails with a sentence and a non-zero exit.

mod bench;
mod clippy;
mod corpus;
mod crash;
mod determinism;
mod examples;
mod fuzz;
mod invariants;
mod process;
mod python;
mod readme;
mod sim;
mod soak;
mod stage;
mod tamper;
mod terminal;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <verb>

  test                              everything that a change must pass, with the time of each stage
  tidy                              floors, purity, file length, headers, unsafe places, links in docs
  invariants                        docs/security/invariants.toml against the tree
  sim --seeds N [--from S]          core and reference model over N histories; --mutants: seeded bugs are caught;
                                    --survey: every finding, by kind
  determinism [--bless]             golden plans under many orders of arrival, in two processes and two build profiles
  crash --kills N | --power-cut N   the engine killed at every commit site and at random; power cuts below the database;
                                    --take-over N: it is stopped, another one takes over, and it is continued;
                                    --engine-cut N: power cuts under a working engine; --from N: the first of the kills
  tamper [--gate] [--speed N]       26 classes of tampering but those of outside, found and placed by two verifiers
  corpus                            every manifest and instance of DVT_TEST_DATA imported, linted, counted and run; the
                                    table of Argo's and GitHub's files
  examples                          each example in a fresh DVT_HOME ends as its expect.json says
  readme --bare                     the two commands of README.md in a bare Debian with only a toolchain and gcc
  bench --core                      the core alone: steps a second, operations and bytes a step at four sizes
  bench                             ratios against raw limits measured in the same run; one part alone: --plan, --scrub,
                                    --store [--verify N], --engine [--small] [--cold-build]
  fuzz [TARGET] [--seconds N]       coverage-guided fuzzing of every reader of foreign text; --planted: the control;
                                    --keep: texts that were found stay in target/fuzz; --slice: all, and the control
  soak [--minutes N] [--fuzz]       adds counts to evidence/soak.jsonl; --fuzz: fuzzing alone, with hours and coverage;
                                    --histories N: those of the simulator alone; --power-cuts N, --engine-cuts N,
                                    --kills N: those alone
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, rest) = match arguments.split_first() {
        Some((verb, rest)) => (verb.as_str(), rest),
        None => ("help", &[] as &[String]),
    };
    let outcome = match verb {
        "test" => test::run(rest),
        "tidy" => tidy::run(rest),
        "clippy" => clippy::run(rest),
        "invariants" => invariants::run(rest),
        "sim" => sim::run(rest),
        "determinism" => determinism::run(rest),
        "crash" => crash::run(rest),
        "tamper" => tamper::run(rest),
        "corpus" => corpus::run(rest),
        "examples" => examples::run(rest),
        "fuzz" => fuzz::run(rest),
        "readme" => readme::run(rest),
        "bench" => bench::run(rest),
        "soak" => soak::run(rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        other => Err(format!("`{other}` is no verb\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {verb}: {message}");
            ExitCode::FAILURE
        }
    }
}
