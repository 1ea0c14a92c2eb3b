//! What the kernel offers for walls and resource limits, the clock, and the programs that plans commonly name.
//!
//! Reads `/proc` and `/sys` only; it makes no namespace and changes nothing.

use super::finding::Finding;
use std::path::Path;

/// The fixed `PATH` of steps: what lies elsewhere no step finds.
const FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Everything, in the order in which it is shown.
pub(super) fn findings() -> Vec<Finding> {
    vec![release(), namespaces(), seccomp(), landlock(), cgroups(), clock(), programs()]
}

fn text(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn release() -> Finding {
    let release = text("/proc/sys/kernel/osrelease").unwrap_or_default();
    let machine = std::env::consts::ARCH;
    match older_than(&release, (5, 9)) {
        Some(false) => Finding::well("kernel", format!("Linux {release}, {machine}")),
        Some(true) => Finding::broken(
            "kernel",
            format!("Linux {release} is older than 5.9"),
            "run DVT on Linux 5.9 or newer: steps are started with close_range and pidfd",
        ),
        None => Finding::unknown("kernel", format!("`{release}` names no version")),
    }
}

/// Whether a release is older than a version; `None` where it has no number.
fn older_than(release: &str, least: (u32, u32)) -> Option<bool> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
    let version = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    Some(version < least)
}

const LATER: &str = "nothing today; programs run on the `host` tier by your word until walls are built";

fn namespaces() -> Finding {
    let most = text("/proc/sys/user/max_user_namespaces").and_then(|text| text.parse::<u64>().ok());
    let closed = text("/proc/sys/kernel/unprivileged_userns_clone").is_some_and(|text| text == "0");
    match most {
        Some(0) => Finding::lacking(
            "namespaces",
            "user namespaces are switched off",
            "sysctl user.max_user_namespaces=15000   walls will need them",
        ),
        Some(_) if closed => Finding::lacking(
            "namespaces",
            "user namespaces are kept from ordinary users",
            "sysctl kernel.unprivileged_userns_clone=1   walls will need them",
        ),
        Some(_) => Finding::well("namespaces", "user namespaces can be made"),
        None => Finding::lacking("namespaces", "this kernel has no user namespaces", LATER),
    }
}

fn seccomp() -> Finding {
    let actions = text("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    if actions.split(' ').any(|action| action == "kill_process") {
        Finding::well("seccomp", "filters can kill")
    } else {
        Finding::lacking("seccomp", "this kernel has no seccomp filters", LATER)
    }
}

fn landlock() -> Finding {
    match text("/sys/kernel/security/lsm") {
        Some(modules) if modules.split(',').any(|module| module == "landlock") => {
            Finding::well("landlock", "on")
        }
        Some(_) => Finding::lacking(
            "landlock",
            "not among the kernel's security modules",
            "add `landlock` to the kernel's `lsm=` line   walls will need it",
        ),
        None => Finding::unknown("landlock", "/sys/kernel/security is not mounted, so it cannot be told"),
    }
}

fn cgroups() -> Finding {
    match text("/sys/fs/cgroup/cgroup.controllers") {
        Some(controllers) => {
            let lacking: Vec<&str> = ["cpu", "memory", "pids"]
                .into_iter()
                .filter(|wanted| !controllers.split(' ').any(|controller| controller == *wanted))
                .collect();
            if lacking.is_empty() {
                Finding::well("cgroups", format!("version 2 ({controllers})"))
            } else {
                Finding::lacking("cgroups", format!("version 2 without {}", lacking.join(", ")), LATER)
            }
        }
        None if Path::new("/sys/fs/cgroup/memory").exists() => Finding::lacking(
            "cgroups",
            "version 1",
            "boot with systemd.unified_cgroup_hierarchy=1   limits of steps will need version 2",
        ),
        None => Finding::lacking("cgroups", "none are mounted", LATER),
    }
}

fn clock() -> Finding {
    let now = crate::clock::now();
    // A machine whose battery died comes up in 1970; TLS, checkpoints and retention would all be wrong.
    if now.ms() < 1_750_000_000_000 {
        return Finding::broken("clock", format!("it says {now}"), "set the clock, then start DVT");
    }
    if Path::new("/run/systemd/timesync/synchronized").exists() || Path::new("/run/chrony").exists() {
        Finding::well("clock", format!("{now}, kept by a time service"))
    } else {
        Finding::unknown("clock", format!("{now}; whether a time service keeps it is not known"))
    }
}

fn programs() -> Finding {
    let found = |name: &str| FOLDERS.iter().any(|folder| Path::new(folder).join(name).is_file());
    let lacking: Vec<&str> = ["bash", "sh", "python3"].into_iter().filter(|name| !found(name)).collect();
    if lacking.is_empty() {
        Finding::well("programs", "bash, sh and python3 are where steps look for them")
    } else {
        Finding::lacking(
            "programs",
            format!("steps do not find {}", lacking.join(", ")),
            format!("install them into one of {}", FOLDERS.join(", ")),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_compared_by_its_two_first_numbers() {
        assert_eq!(older_than("6.1.0-18-amd64", (5, 9)), Some(false));
        assert_eq!(older_than("5.8.18", (5, 9)), Some(true));
        assert_eq!(older_than("5.10", (5, 9)), Some(false));
        assert_eq!(older_than("current", (5, 9)), None);
    }
}
