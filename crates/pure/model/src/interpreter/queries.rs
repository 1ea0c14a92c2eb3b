//! What asks warehouses, caches and documents: the help of jq, yq, redis-cli, bq, aws, snow, dbt, beeline, impala-shell, trino
//! and cqlsh, and of mysqldump, whose condition is SQL.

use super::program::{Operands, Program, UNKNOWN};

const CLIENT: Program = Program { is_complete: true, ..UNKNOWN };
const WORDS: Program = Program { is_complete: true, operands: Operands::Words, ..UNKNOWN };

const JQ: Program = Program {
    flags: "aceCfhijMnrRsSV",
    values: "L",
    long_flags: &[
        "--args",
        "--ascii-output",
        "--color-output",
        "--compact-output",
        "--exit-status",
        "--from-file",
        "--join-output",
        "--jsonargs",
        "--monochrome-output",
        "--null-input",
        "--raw-input",
        "--raw-output",
        "--raw-output0",
        "--seq",
        "--slurp",
        "--sort-keys",
        "--stream",
        "--tab",
        "--unbuffered",
    ],
    long_values: &["--indent", "--library-path"],
    long_pairs: &["--arg", "--argfile", "--argjson", "--rawfile", "--slurpfile"],
    gives: &["-f", "--from-file"],
    operands: Operands::First,
    ..UNKNOWN
};

pub(super) const PROGRAMS: &[Program] = &[
    Program { names: &["jq", "gojq", "jaq"], ..JQ },
    // Two programs have this name; what an option is to one of them only is not listed.
    Program {
        names: &["yq"],
        flags: "cCeijMnNPrRvyY",
        values: "IopL",
        long_flags: &[
            "--inplace",
            "--no-colors",
            "--no-doc",
            "--null-input",
            "--raw-output",
            "e",
            "ea",
            "eval",
            "eval-all",
        ],
        long_values: &["--indent", "--input-format", "--output-format"],
        long_code: &["--expression", "--split-exp"],
        ..JQ
    },
    Program {
        names: &["redis-cli", "valkey-cli", "keydb-cli"],
        flags: "cex23",
        values: "adhinprstu",
        long_flags: &["--csv", "--json", "--no-auth-warning", "--no-raw", "--raw", "--tls"],
        long_values: &["--cacert", "--cert", "--key", "--pass", "--sni", "--user"],
        ignores_case: true,
        ..WORDS
    },
    Program { names: &["redis-cli eval", "redis-cli eval_ro"], operands: Operands::First, ..UNKNOWN },
    Program { names: &["redis-cli function", "redis-cli script"], ignores_case: true, ..WORDS },
    Program {
        names: &["redis-cli function load", "redis-cli script load"],
        operands: Operands::All,
        ..UNKNOWN
    },
    Program { names: &["bq"], ..WORDS },
    Program { names: &["bq query"], operands: Operands::All, is_complete: true, ..UNKNOWN },
    Program { names: &["aws"], ..WORDS },
    Program {
        names: &["aws athena", "aws redshift-data", "aws rds-data"],
        long_values: &["--database", "--output", "--profile", "--query", "--region", "--work-group"],
        long_code: &["--query-string", "--sql", "--sqls"],
        abbreviates: true,
        ..CLIENT
    },
    Program { names: &["snow"], ..WORDS },
    Program { names: &["snow sql"], values: "cDf", code: "q", long_code: &["--query"], ..CLIENT },
    Program { names: &["dbt"], ..WORDS },
    Program {
        names: &["dbt compile", "dbt show"],
        values: "mst",
        long_values: &["--exclude", "--limit", "--models", "--profile", "--select", "--target", "--vars"],
        long_code: &["--inline"],
        ..CLIENT
    },
    Program {
        names: &["beeline", "hive", "spark-sql"],
        flags: "rSv",
        values: "dfinpuw",
        code: "e",
        long_values: &["--conf", "--database", "--hiveconf", "--hivevar", "--master", "--queue"],
        ..CLIENT
    },
    Program {
        names: &["impala-shell"],
        flags: "BkpVv",
        values: "bdfiou",
        code: "q",
        long_values: &["--database", "--impalad", "--output_file", "--query_file", "--user", "--var"],
        long_code: &["--query"],
        ..CLIENT
    },
    Program {
        names: &["trino", "presto"],
        values: "f",
        long_values: &["--catalog", "--file", "--output-format", "--schema", "--server", "--user"],
        long_code: &["--execute"],
        ..CLIENT
    },
    Program {
        names: &["cqlsh"],
        values: "fkpu",
        code: "e",
        long_values: &["--file", "--keyspace", "--password", "--username"],
        long_code: &["--execute"],
        abbreviates: true,
        ..CLIENT
    },
    Program {
        names: &["nzsql", "usql", "vsql"],
        values: "dfhoptUv",
        code: "c",
        long_code: &["--command"],
        ..CLIENT
    },
    Program {
        names: &["mysqldump", "mariadb-dump"],
        flags: "aAaBcCdeEfFiIKlnNqQRtvVxXY?",
        values: "hPrSTu",
        tail: "p#",
        code: "w",
        long_flags: &[
            "--all-databases",
            "--compact",
            "--databases",
            "--no-create-info",
            "--no-data",
            "--quick",
            "--single-transaction",
        ],
        long_values: &[
            "--default-character-set",
            "--defaults-extra-file",
            "--defaults-file",
            "--host",
            "--ignore-table",
            "--password",
            "--port",
            "--result-file",
            "--socket",
            "--ssl-ca",
            "--tab",
            "--tables",
            "--user",
        ],
        long_loads: &["--default-auth", "--plugin-dir"],
        long_code: &["--init-command", "--where"],
        abbreviates: true,
        ..CLIENT
    },
];
