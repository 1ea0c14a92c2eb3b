//! The doctor makes nothing, tells what is broken, and says what to do.

use crate::home::Home;
use std::os::unix::fs::PermissionsExt as _;

fn health(home: &Home, code: i32, name: &str) -> Option<(String, Option<String>)> {
    let told = home.dvt(&["doctor", "--output", "json"]).ends(code).json();
    let findings = told["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["name"] == name)?;
    Some((found["health"].as_str().unwrap().to_owned(), found["fix"].as_str().map(ToOwned::to_owned)))
}

#[test]
fn before_the_first_start_it_makes_nothing() {
    let home = Home::new();
    let (health, fix) = health(&home, 0, "profile").unwrap();
    assert_eq!(health, "lacking");
    assert!(fix.unwrap().contains("dvt run"));
    assert!(!home.path("home").exists());
}

#[test]
fn a_good_installation_is_well_and_a_key_that_others_can_read_is_not() {
    let home = Home::new();
    home.completed_run(&[]);
    for name in ["profile", "folders", "key", "store", "engine"] {
        assert_eq!(health(&home, 0, name).unwrap().0, "well", "{name}");
    }
    let key = home.path("home/config/key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (broken, fix) = health(&home, 1, "key").unwrap();
    assert_eq!(broken, "broken");
    assert!(fix.is_some());
    assert!(health(&home, 1, "store").is_none(), "what the key keeps from being looked at is not told of");
}
