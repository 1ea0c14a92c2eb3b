//! The first start: two lines, private files, one tenant however many processes come first, nothing accepted that is open.

use crate::home::{Home, Told};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn it_tells_two_lines_once() {
    let home = Home::new();
    let first = home.dvt(&["config", "show", "--quiet"]).ends(0);
    let lines: Vec<&str> = first.err.lines().collect();
    assert_eq!(lines.len(), 2, "{first:#?}");
    assert!(
        lines[0].starts_with("DVT keeps your runs in ") && lines[0].contains("only you can read it"),
        "{first:#?}"
    );
    assert!(lines[1].starts_with("Tenant `") && lines[1].ends_with("Change: dvt config show"), "{first:#?}");
    let second = home.dvt(&["config", "show", "--quiet"]).ends(0);
    assert_eq!((second.err.as_str(), second.out), ("", first.out));
}

#[test]
fn files_are_ours_alone() {
    let home = Home::new();
    home.dvt(&["config", "show"]).ends(0);
    let mode = |name: &str| std::fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("home/config"), mode("home/data")), (0o700, 0o700));
    assert_eq!((mode("home/config/key"), mode("home/config/profile.toml")), (0o600, 0o600));
}

/// INV-02: what is open to others, or not understood, ends the start.
#[test]
fn open_or_unknown_settings_end_the_start() {
    let home = Home::new();
    home.dvt(&["config", "show"]).ends(0);
    let profile = home.path("home/config/profile.toml");
    let text = std::fs::read_to_string(&profile).unwrap();

    std::fs::set_permissions(&profile, std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = home.dvt(&["runs", "list"]).ends(2);
    assert!(told.err.contains("CONFIG_INVALID") && told.err.contains("chmod 600"), "{told:#?}");
    std::fs::set_permissions(&profile, std::fs::Permissions::from_mode(0o600)).unwrap();
    home.dvt(&["runs", "list"]).ends(0);

    std::fs::write(&profile, format!("{text}sandbox = \"off\"\n")).unwrap();
    let told = home.dvt(&["runs", "list"]).ends(2);
    assert!(told.err.contains("CONFIG_INVALID") && told.err.contains("sandbox"), "{told:#?}");
    std::fs::write(&profile, text).unwrap();

    std::fs::set_permissions(home.path("home/config"), std::fs::Permissions::from_mode(0o755)).unwrap();
    home.dvt(&["runs", "list"]).ends(2);
}

#[test]
fn a_lost_key_is_not_replaced() {
    let home = Home::new();
    home.dvt(&["config", "show"]).ends(0);
    std::fs::remove_file(home.path("home/config/key")).unwrap();
    assert!(home.dvt(&["runs", "list"]).ends(5).err.contains("KEY_UNAVAILABLE"));
    std::fs::remove_file(home.path("home/config/profile.toml")).unwrap();
    assert!(home.dvt(&["runs", "list"]).ends(5).err.contains("KEY_UNAVAILABLE"));
    assert!(!home.path("home/config/key").exists());
}

#[test]
fn many_first_starts_make_one_tenant() {
    let home = Home::new();
    let children: Vec<_> =
        (0..6).map(|_| home.command(&["config", "show", "--output", "json"]).spawn().unwrap()).collect();
    let told: Vec<Told> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            Told { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
                .ends(0)
        })
        .collect();
    assert!(told.iter().all(|one| one.out == told[0].out), "{told:#?}");
    assert_eq!(told.iter().filter(|one| one.err.starts_with("DVT keeps your runs")).count(), 1, "{told:#?}");
}

#[test]
fn what_needs_no_profile_makes_none() {
    let home = Home::new();
    let plan = home.plan("quick", crate::home::QUICK);
    home.dvt(&["lint", &plan]).ends(0);
    home.dvt(&["explain", "NOT_FOUND"]).ends(0);
    home.dvt(&["--version"]).ends(0);
    home.dvt(&["run", &plan, "--dry-run"]).ends(0);
    home.dvt(&["audit", "verify"]).ends(4);
    assert!(!home.path("home").exists());
}

/// The service manager's credential is the root key where there is one, and nothing stands in for it where it is gone.
#[test]
fn a_credential_of_the_service_manager_is_the_root_key() {
    let home = Home::new();
    let plan = home.plan("quick", crate::home::QUICK);
    let credentials = home.path("credentials");
    std::fs::create_dir(&credentials).unwrap();
    let key = credentials.join("dvt-root-key");
    std::fs::write(&key, [7; 32]).unwrap();
    let with = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("CREDENTIALS_DIRECTORY", &credentials);
        Told::of(command.output().unwrap())
    };
    let mode = |mode: u32| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o444);
    assert!(with(&["run", &plan]).ends(5).err.contains("open to others"), "control: anybody could read it");
    mode(0o400);
    with(&["run", &plan]).ends(0);
    assert!(!home.path("home/config/key").exists(), "no second root key lies about");
    with(&["runs", "get", "@latest"]).ends(0);
    let told = home.dvt(&["runs", "list"]);
    assert!(told.code != 0 && told.err.contains("KEY_UNAVAILABLE"), "{told:#?}");
    assert!(!home.path("home/config/key").exists(), "and none is made");
}
