//! Each rule of the table: it compiles, its keywords are in what it matches, and it finds what it is for.

use dvt_scrub::rules;
use dvt_scrub::{MASK, Scrubber};
use std::collections::BTreeSet;

#[test]
fn the_table_is_sound() {
    let mut ids = BTreeSet::new();
    for rule in rules::all() {
        assert!(ids.insert(rule.id), "{} stands twice", rule.id);
        assert!(!rule.keywords.is_empty(), "{}", rule.id);
        let built = regex::bytes::RegexBuilder::new(rule.regex).unicode(false).size_limit(4 << 20).build();
        assert!(built.is_ok(), "{}: {built:?}", rule.id);
    }
    assert!(
        Scrubber::rules().find("nothing here").is_empty(),
        "one rule that does not compile would mask everything"
    );
}

#[test]
fn what_people_paste_is_masked() {
    let token =
        |prefix: &str, length: usize| format!("{prefix}{}", "aB3dE6gH9kL2".repeat(30).get(..length).unwrap());
    for (line, rule) in [
        ("key AKIAIOSFODNN7EXAMPLE here".to_owned(), "aws-access-key-id"),
        (format!("GITHUB {}", token("ghp_", 36)), "github-token"),
        (format!("x {} y", token("glpat-", 20)), "gitlab-token"),
        (format!("SLACK={}", token("xoxb-123456789012-", 24)), "slack-token"),
        ("psql postgresql://ana:s3cr3t!@dw.acme.test/x".to_owned(), "url-password"),
        ("Server=db;User Id=sa;Password=S3cure!x;".to_owned(), "connection-string-password"),
        ("dsn=\"host=db port=5432 user=sa password=S3cure!x\"".to_owned(), "connection-words-password"),
        ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P".to_owned(), "jwt"),
        ("api_key = \"951bc382db9abad29c68634761dd6e19\"".to_owned(), "secret-assignment"),
        ("{password: \"correct7Horse\"}".to_owned(), "password-assignment"),
        ("DB_PASSWORD=correct7Horse".to_owned(), "password-environment"),
        ("the default password is 'blooberry'".to_owned(), "password-in-prose"),
        ("if user == \"ana\" and password == \"team10\":".to_owned(), "password-compared"),
        ("user = ana\npassword = open_sesame\n".to_owned(), "password-beside-user"),
        ("password = 'open sesame 7'".to_owned(), "password-assignment"),
        ("jwtsecret: \"7`D'}/vYR)T;W5]EBrf;\"".to_owned(), "secret-assignment"),
    ] {
        let found = Scrubber::rules().find(&line);
        assert!(found.iter().any(|finding| finding.rule == rule), "{rule}: {found:?} in {line}");
        assert!(Scrubber::rules().scrub_line(&line).contains(MASK));
    }
}

#[test]
fn what_is_no_secret_stays() {
    for line in [
        "password: ${{ secrets.x }}",
        "PASSWORD=$DB_PASSWORD",
        "PASSWORD=$(cat /run/secret)",
        "password = \"changeme\"",
        "https://example.com:8080/path@x",
        "git@github.com:dunay2/dvt-engine.git",
        "token: ''",
        "export PATH=/usr/bin:/bin",
        "commit 853a9d8f1c2b3a4d5e6f708192a3b4c5d6e7f809",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "run_07070707-0707-4707-8707-070707070707",
        "secret: warehouse/dsn",
        "processed 1,204 rows in 0.4s (key: orders)",
        "python3 transform.py --region eu --out s3://acme-orders/eu",
        "passwordLabel:\"Password:\"",
        "usernameLabel:\"Username or email:\",passwordLabel:\"Password:\",rememberMeLabel:\"Remember me:\"",
        "export DATABASE_PASSWORD=\"'$PRECOMPILE_PASSWORD'\"",
        "APP_FORGOT_PASSWORD=$BASE_URL/classroom/#/forgot_password",
        "this.addPassword = \"#add-password\";",
        "tokens: 1234567890",
        "api_version: 'dvt/v1'",
    ] {
        let found = Scrubber::rules().find(line);
        assert!(found.is_empty(), "{line}: {found:?}");
    }
}

/// Time that this thread has had on a processor: what others do on the machine does not count.
fn on_processor() -> std::time::Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    std::time::Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

/// Twice the text may not cost four times as much. Every line is a keyword again and again, so that windows meet.
#[test]
fn hostile_lines_are_linear() {
    for unit in
        ["a:", "password=", "://:@", "eyJ.", "-----BEGIN PRIVATE KEY-----", "key ", "secret\n", "token:\n"]
    {
        let cost = |bytes: usize, times: u32| {
            let text = unit.repeat(bytes / unit.len());
            let begun = on_processor();
            (0..times).for_each(|_| drop(Scrubber::rules().find(&text)));
            on_processor() - begun
        };
        // The same bytes, in eight texts and in one.
        let (small, large) = (cost(64 << 10, 8), cost(512 << 10, 1));
        println!("scrub: {unit:?}: 8 x 64 KiB {small:?}, 512 KiB {large:?}");
        assert!(large < small * 4 + std::time::Duration::from_millis(20), "{unit}: {small:?}, {large:?}");
    }
}

#[test]
fn masking_never_cuts_a_character() {
    for line in ["pässwörd DB_PASSWORD=größe1234ü", "ü password: \"ääääääää1\" ü", "https://x:pä@host/ü"]
    {
        let masked = Scrubber::rules().scrub_line(line);
        assert!(masked.contains(MASK), "{line}");
        assert!(!masked.contains('\u{fffd}'), "{masked}");
    }
}
