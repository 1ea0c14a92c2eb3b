//! Family by family: what was seen to run in the program itself, and what stands beside it and is data.

use super::{roles, split};
use crate::interpreter::Role;

/// Every line of `code` is refused, and every line of `data` is taken.
fn check(code: &[&str], data: &[&str]) {
    let first = |line: &&&str| roles(&split(line))[0];
    let missed: Vec<_> = code.iter().filter(|line| first(line) < Role::Unknown).collect();
    assert!(missed.is_empty(), "code: {missed:#?}");
    let refused: Vec<_> = data.iter().filter(|line| first(line) != Role::Data).collect();
    assert!(refused.is_empty(), "data: {refused:#?}");
}

#[test]
fn perl_runs_the_files_that_it_reads_line_by_line() {
    check(
        &[
            "perl -ne 1 -- {}",
            "perl -pe 1 data/{}",
            "perl -i.bak -pe 1 x{}",
            "perl -ae 1 -- {}",
            "perl -F: -e 1 -- {}",
            "perl -n x.pl {}",
        ],
        &["perl x.pl {}", "perl -e 1 -- {}", "perl -w x.pl -n {}", "ruby -ne 1 -- {}"],
    );
}

#[test]
fn languages() {
    check(
        &[
            "python3 -m timeit {}",
            "python3 -mtimeit {}",
            "python3 -m timeit -s {} 1",
            "python3 -m timeit --setup={} 1",
            "python3 -m pdb -c {} x.py",
            "python3 -m IPython -c {}",
            "python3 -m sqlite3 a.db {}",
            "luajit -j {} a",
            "luajit -j{} a",
            "vim -t {}",
            "vim -t{}",
            "R --vanilla --encoding={} -f x.R",
            "R --vanilla --min-nsize={} -f x.R",
            "R --vanilla x{}",
            "Rscript --default-packages={} -e 1",
            "java -XX:OnError={} x",
            "java -javaagent:{} x",
            "java -{} x",
        ],
        &[
            "python3 -m timeit -n {} 1",
            "python3 -m load {}",
            "R --vanilla -f x.R --args {}",
            "R --vanilla --file={}",
            "Rscript x.R {}",
            "java -Dday={} -jar x.jar",
            "java -Xmx{} -jar x.jar",
            "java -jar x.jar {}",
            "java -XX:+UseG1GC -cp x Main {}",
        ],
    );
}

#[test]
fn the_program_that_another_one_runs_is_literal() {
    check(
        &[
            "env {}",
            "env A=1 {}",
            "env -u A {}",
            "env BASH_ENV={} bash x.sh",
            "env LD_PRELOAD={} x",
            "sudo {}",
            "sudo -u me {}",
            "nice {}",
            "nice -n 5 {}",
            "nohup {}",
            "setsid -w {}",
            "stdbuf -o L {}",
            "ionice -c 3 {}",
            "timeout 5 {}",
            "timeout -k 1 5 {}",
            "timeout 5 nice {}",
            "timeout --weird 5 {}",
            "nice --weird {}",
            "sudo -{} x",
            "chroot / {}",
            "taskset 1 {}",
            "flock /x {}",
            "xargs {}",
            "xargs -n 1 -I@ {}",
            "busybox {}",
            "find . -exec {} ;",
            "find . -execdir {} ;",
        ],
        &[
            "env A={} x",
            "env x {}",
            "env A=1 x B={}",
            "sudo -u {} x",
            "sudo x {}",
            "nice -n {} x",
            "nohup x {}",
            "timeout 5 x {}",
            "timeout 5 x -k {}",
            "flock {} x",
            "flock /x y {}",
            "xargs -I {} x",
            "xargs -a {} x",
            "xargs x {}",
            "find {} -name x",
            "find . -name {}",
            "find . -exec ls {} ;",
        ],
    );
}

#[test]
fn what_runs_another_program_and_takes_code_itself() {
    check(
        &[
            "script -qc {} /dev/null",
            "script --comm {}",
            "script x --command={}",
            "runuser --session-command {} me",
            "runuser --sess={} me",
            "runuser -s {} me",
            "su -s {} me",
            "su --shell={}",
            "entr -ns {}",
            "parallel {} x",
            "parallel echo {}",
            "parallel -S {} echo",
            "parallel --rpl {} echo",
            "parallel ::: {}",
            "npx -c {}",
            "npm exec --call={}",
            "nix-shell --run {}",
            "systemd-run -p {} x",
            "find . -exec bash -c {} ;",
        ],
        &["script -q {}", "runuser -u {} x", "parallel -j {} echo", "npm run x {}", "npm install {}"],
    );
}

#[test]
fn git() {
    check(
        &[
            "git -c {} log",
            "git -c core.sshCommand={} fetch",
            "git -C x -c alias.x={} x",
            "git --exec-path={} log",
            "git clone -u {} x",
            "git clone --upload-pack={} x",
            "git clone --upload-pa={} x",
            "git clone --template={} x",
            "git clone x --config {}",
            "git clone -c core.sshCommand={} ssh://x",
            "git init --template={} x",
            "git -C x fetch --upload-pack={}",
            "git pull --upload-pack {}",
            "git ls-remote --exec={} x",
            "git push --receive-pack={} x",
            "git push --exec {} x",
            "git archive --exec={} --remote=x HEAD",
            "git grep -O{} x",
            "git grep --open-files={} x",
            "git rebase -x {} main",
            "git rebase --exec={} main",
            "git difftool -x {} main",
            "git filter-branch --env-filter {} HEAD",
            "git bisect run {}",
            "git bisect run sh -c {}",
            "git submodule foreach {}",
        ],
        &[
            "git -C {} log",
            "git --git-dir={} log",
            "git commit -m {}",
            "git commit -c {}",
            "git checkout {}",
            "git switch -c {}",
            "git log --since={}",
            "git clone --branch {} x",
            "git clone -b {} x",
            "git clone --depth={} x",
            "git clone -- {}",
            "git fetch --shallow-since={} origin",
            "git push origin HEAD:{}",
            "git tag -a {} -m x",
            "git rebase --onto {} main",
        ],
    );
    for line in
        ["tar xf a {}", "tar -xf a x {}", "git clone {}", "git fetch --weird {}", "git push origin {}"]
    {
        assert_eq!(roles(&split(line)), [Role::MayBeOption], "{line}");
    }
}

#[test]
fn files() {
    check(
        &[
            "make X={}",
            "make {}",
            "make -- {}",
            "make -E {}",
            "make --ev={}",
            "make -C x all {}",
            "tar -I {} -cf a b",
            "tar -cI{} -f a b",
            "tar --use={} -cf a b",
            "tar -xf a --to-command={}",
            "tar -xf a --to-com {}",
            "tar --checkpoint=1 --checkpoint-action={} -cf a b",
            "tar --checkpoint-act=exec={} -cf a b",
            "tar cIf {} a b",
            "tar cfI a {} b",
            "tar -MF {} -cf a b",
            "tar --rsh-command={} -cf h:a b",
            "tar -{} a",
            "rsync -e {} a h:b",
            "rsync -ave {} a h:b",
            "rsync a h:b --rsh={}",
            "rsync --rsync-path={} a h:b",
            "rsync -M{} a h:b",
            "wget -e {} x",
            "wget --exec {} x",
            "wget x --use-ask={}",
            "wget -qO- -e use_askpass={} x",
            "scp -S {} a h:b",
            "scp -oProxyCommand={} a h:b",
            "scp -D {} a h:b",
            "ssh -J {} h",
            "sftp -D {}",
            "sftp -o {} h",
            "sort --compress-program={} x",
            "sort --compress-prog {} x",
            "install -s --strip-program={} x y",
            "install -s --strip-prog {} x y",
            "split --filter={} x",
            "split x --filt {}",
            "zip -T -TT {} a.zip b",
            "zip a.zip b -T --unzip-command {}",
        ],
        &[
            "make -C {} all",
            "make -f {} all",
            "tar -xf {}",
            "tar -xzf {} -C x",
            "tar xzf {}",
            "tar cf {} x",
            "tar -cf a -C {} b",
            "tar --exclude={} -cf a b",
            "tar --exclude {} -cf a b",
            "tar --weird={} -cf a b",
            "tar --checkpoint={} -cf a b",
            "rsync -a --exclude {} a b",
            "rsync -a --bwlimit={} a b",
            "rsync -a -- {} b",
            "rsync -a x/{} b",
            "wget -O {} x",
            "wget --header={} x",
            "wget -q -- {}",
            "scp -P {} a h:b",
            "scp -i {} a h:b",
            "scp a h:{}",
            "install -m {} x y",
            "sort -k {} x",
            "sort -t{} x",
            "split -l {} x",
            "split --lines={} x",
            "zip -rq a{} x",
            "zip -P {} a.zip x",
            "curl -K {}",
            "curl -H {} x",
            "cp {} x",
        ],
    );
}

#[test]
fn documents_and_warehouses() {
    check(
        &[
            "jq {} x",
            "jq -r {} x",
            "jq --arg n v {} x",
            "jq --weird {}",
            "jq -n .{}",
            "yq {} x",
            "yq e {} x",
            "yq -i .a={} x",
            "redis-cli eval {} 0",
            "redis-cli -h x EVAL {} 0",
            "redis-cli script load {}",
            "bq query {}",
            "bq query --nouse_legacy_sql {}",
            "bq --project_id=x query {}",
            "aws athena start-query-execution --query-string {}",
            "aws redshift-data execute-statement --sql={}",
            "snow sql -q {}",
            "dbt show --inline {}",
            "spark-sql -e {}",
            "beeline -u x -e {}",
            "hive -e {}",
            "impala-shell -q {}",
            "trino --execute={}",
            "cqlsh -e {}",
            "vsql -c {}",
            "mysqldump --where={} db",
            "mysqldump -w{} db",
            "mysqldump --whe {} db",
            "gcloud compute ssh x --command={}",
            "ansible all -m shell -a {}",
            "ansible-playbook -e {} x.yml",
            "gawk -f x.awk -W {}",
        ],
        &[
            "jq --arg n {} . x",
            "jq --arg {} v . x",
            "jq -n --arg n {} $n",
            "jq . --argjson n {}",
            "jq . {}",
            "jq -f x.jq {}",
            "jq -n --args $ARGS {}",
            "yq -r .a x{}",
            "yq e .a x{}",
            "redis-cli set k {}",
            "redis-cli eval x 0 {}",
            "redis-cli -h {} get k",
            "bq --project_id={} query x",
            "bq load x {}",
            "aws s3 cp {} x",
            "aws athena start-query-execution --query {}",
            "dbt run --vars {}",
            "dbt run --select {}",
            "spark-submit x.py {}",
            "spark-sql --hivevar day={} -f x.sql",
            "beeline -u {} -f x.sql",
            "mysqldump -u {} db",
            "mysqldump --result-file={} db",
            "ansible-playbook -i {} x.yml",
        ],
    );
}
