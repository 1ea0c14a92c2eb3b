//! Which words are code, program by program. `{}` is an expression.

mod families;

use super::*;

/// What the words with an expression are, in order.
fn roles(words: &[&str]) -> Vec<Role> {
    let mut read = Words::default();
    let mut found = Vec::new();
    for word in words {
        match word.split_once("{}") {
            Some((begins, _)) => found.push(read.read(begins, false)),
            None => {
                read.read(word, true);
            }
        }
    }
    found
}

/// The places of the literal words that are code behind an option.
fn code(words: &[&str]) -> Vec<usize> {
    let mut read = Words::default();
    let roles = words.iter().map(|word| read.read(word, true)).collect::<Vec<_>>();
    roles.iter().enumerate().filter(|(_, role)| **role == Role::Code).map(|(place, _)| place).collect()
}

fn split(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

#[test]
fn what_an_interpreter_is_given_behind_its_option_is_code() {
    assert_eq!(code(&["sh", "-c", "x"]), [2]);
    assert_eq!(code(&["/usr/bin/python3.12", "-Bc", "x", "y"]), [2]);
    assert_eq!(code(&["timeout", "5", "bash", "-lc", "x"]), [4]);
    assert_eq!(code(&["node", "--eval=x"]), [1]);
    assert_eq!(code(&["psql", "--command", "x"]), [2]);
    assert!(code(&["curl", "-c", "x"]).is_empty(), "no interpreter");
    assert!(code(&["sh", "script.sh", "x"]).is_empty(), "a file");
}

#[test]
fn every_way_to_say_it_is_seen() {
    let mut missed = Vec::new();
    for line in [
        "bash -c {}",
        "bash -c -- {}",
        "bash -c -x {}",
        "bash -cx {}",
        "bash -xc {}",
        "bash -euxlc {}",
        "bash -euxo pipefail -c {}",
        "bash -eo pipefail -c {}",
        "bash -co pipefail {}",
        "bash -c -o pipefail {}",
        "bash -c +x {}",
        "bash -o -c {}",
        "bash --norc -c {}",
        "bash -login -c {}",
        "bash --rcfile x -c {}",
        "bash --weird x -c {}",
        "bash -{} x",
        "bash -c{}",
        "bash -e{}",
        "bash --{}",
        "bash +{}",
        "zsh -oextendedglob -c {}",
        "/bin/BASH-5.2 -c {}",
        "sh.exe -c {}",
        "busybox sh -c {}",
        "csh -fc {}",
        "fish -c {}",
        "fish -C{}",
        "fish --comm={}",
        "fish --init-command {}",
        "python3 -c {}",
        "python3 -c{}",
        "python3 -Bc {}",
        "python3 -Ic{}",
        "python3 -X dev -c {}",
        "python3 -Xdev -c {}",
        "python3 -W ignore -c {}",
        "python3 -m {}",
        "python3 -{}",
        "pypy3 -c {}",
        "perl -0pe {}",
        "perl -lane {}",
        "perl -E {}",
        "perl -M{}",
        "perl -i.bak -pe {}",
        "perl -MJSON -e {}",
        "perl -i{} x",
        "ruby -rjson -e {}",
        "ruby -r {}",
        "node --print={}",
        "node -pe {}",
        "node -p {}",
        "node --require {}",
        "node --import={}",
        "node --weird {}",
        "node --{}=1",
        "deno eval {}",
        "deno eval --ext=ts {}",
        "deno repl --eval={}",
        "bun -e {}",
        "php -r {}",
        "php -B {}",
        "php -nr {}",
        "php -d {}",
        "php -d{}",
        "php --run={}",
        "lua -e{}",
        "lua -l {}",
        "Rscript -e {}",
        "R --vanilla -e {}",
        "julia -E {}",
        "julia --eval={}",
        "pwsh -command {}",
        "pwsh -Comm {}",
        "pwsh -NoProfile -c {}",
        "pwsh --Command {}",
        "pwsh \u{2013}Command {}",
        "pwsh -c Write-Host {}",
        "pwsh -EncodedCommand {}",
        "powershell.exe {}",
        "psql -XAtqc {}",
        "psql -d a -c {}",
        "psql a -c {}",
        "psql --comm={}",
        "psql --com {}",
        "psql -o {}",
        "psql -{}",
        "psql --set{}",
        "mysql -e{}",
        "mysql -Nse {}",
        "mysql --exec={}",
        "mysql --init-command={}",
        "mysql --loose-execute={}",
        "sqlite3 a.db {}",
        "sqlite3 -json a.db {}",
        "sqlite3 -cmd {} a.db",
        "sqlite3 --cmd {} a.db",
        "duckdb -c {}",
        "clickhouse-client --query {}",
        "sqlcmd -Q {}",
        "snowsql -q {}",
        "mongosh --eval {}",
        "osascript -e {}",
        "guile -c {}",
        "emacs --batch --eval {}",
        "emacs -eval {}",
        "emacs --ev {}",
        "vim -c {}",
        "vim +{}",
        "vim --cmd {}",
        "sed {} file",
        "sed -E {} file",
        "sed -ne {}",
        "sed -i {} file",
        "sed --expr={}",
        "sed -- {} file",
        "awk {} file",
        "awk -F: {} file",
        "awk -v a=1 {}",
        "gawk --source={}",
        "gawk --sou {}",
        "ssh host {}",
        "ssh -p 22 host ls {}",
        "ssh -o {} host",
        "ssh -oProxyCommand={} host",
        "su -c {}",
        "su - user -c {}",
        "su user --comm={}",
        "su - user {}",
        "watch ls {}",
        "env -S {}",
        "env --split-string={}",
        "env A=1 timeout 5 sudo -u me bash -euo pipefail -c {}",
        "sudo mytool bash -c {}",
        "mytool bash -c {}",
        "docker exec it sh -c {}",
        "xargs -I@ sh -c {}",
        "find . -exec bash -c {} ;",
        "flock /x -c {}",
        "python3 load.py -c {}",
    ] {
        if roles(&split(line))[0] < Role::Unknown {
            missed.push(line);
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_is_no_code_is_not_taken_for_it() {
    let mut refused = Vec::new();
    for line in [
        "ssh -p {} host",
        "ssh -p{} host",
        "ssh -vp {} host",
        "ssh -l {} host",
        "ssh -i {} host ls",
        "psql -p {}",
        "psql -p{}",
        "psql --port={} -c x",
        "psql --us={}",
        "psql -v day={} -f x.sql",
        "psql -vday={}",
        "mysql -p{}",
        "mysql -u {} -e x",
        "sed -E s/a/b/ x{}",
        "sed -E -f x.sed x{}",
        "sed -E -e s/a/b/ x{}",
        "sed -i s/a/b/ x{}",
        "sed -n -l {} p x",
        "sed --line-length={} p",
        "awk -F {} x",
        "awk -v day={} x",
        "awk x a{}",
        "awk -f x.awk a{}",
        "bash x.sh {}",
        "bash x.sh -{}",
        "bash -x x.sh -e {}",
        "bash -c x bash {}",
        "bash -c x bash -x {}",
        "bash -o {} x.sh",
        "python3 load.py {}",
        "python3 load.py -e {}",
        "python3 load.py --day={}",
        "python3 -u -W ignore load.py {}",
        "python3 -m load {}",
        "python3 -c x {}",
        "python3 -X {} x.py",
        "perl -MJSON x.pl {}",
        "node --max-old-space-size={} x.js",
        "node x.js --port {}",
        "clickhouse-client --param_day={} --query x",
        "sqlite3 -separator {} a.db x",
        "pwsh -File x.ps1 {}",
        "Rscript x.R {}",
        "curl -c {}",
        "grep -e {}",
        "timeout {} x",
        "timeout -k {} 5 x",
        "env A={} x",
        "docker run -e {} x",
        "kubectl -n {} get",
        "mytool node --port {}",
        "mytool sed {}",
    ] {
        if roles(&split(line)) != [Role::Data] {
            refused.push(line);
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn an_expression_that_may_be_an_option_is_told_apart() {
    for line in
        ["python3 {}", "psql {}", "bash {}", "psql a {}", "sed s/a/b/ {}", "perl -w {}", "ruby {}", "ssh {}"]
    {
        assert_eq!(roles(&split(line)), [Role::MayBeOption], "{line}");
    }
    for line in ["python3 -- {}", "psql -- {}", "python3 x{}", "tclsh {}", "sudo x {}", "echo {}"] {
        assert_eq!(roles(&split(line)), [Role::Data], "{line}");
    }
}

#[test]
fn what_is_not_known_before_the_run_names_nothing() {
    let mut words = Words::default();
    words.word(Some("sh"));
    words.word(Some("-c"));
    assert_eq!(words.reader("x"), Some("sh"));
    words.word(None);
    assert_eq!(words.reader("x"), None);
}
