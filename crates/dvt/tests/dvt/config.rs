//! What a start would stop at is found without a start.

use crate::home::Home;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_check_makes_nothing_and_finds_everything_that_is_wrong() {
    let home = Home::new();
    let before = home.dvt(&["config", "check"]).ends(0);
    assert!(before.out.contains("not there yet") && !home.path("home").exists(), "{before:#?}");
    home.dvt(&["config", "show"]).ends(0);
    home.dvt(&["config", "show", "--profile", "other"]).ends(0);
    let good = home.dvt(&["config", "check", "--output", "json"]).ends(0).json();
    let names: Vec<&str> =
        good["checked"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["config folder", "data folder", "key", "profile default", "profile other"]);

    let other = home.path("home/config/profiles/other.toml");
    let text = std::fs::read_to_string(&other).unwrap();
    std::fs::write(&other, format!("{text}colour = 1\n")).unwrap();
    let key = home.path("home/config/key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::remove_file(home.path("home/config/profile.vkey")).unwrap();
    let told = home.dvt(&["config", "check"]).ends(2);
    for wrong in ["✗ key", "✗ profile default", "✗ profile other", "colour", "✓ data folder"] {
        assert!(told.out.contains(wrong), "{wrong}: {told:#?}");
    }
}
