//! `cargo xtask readme --bare`: cuts the two commands out of README.md and runs them in a bare Debian that has nothing but
//! the Rust toolchain and the C compiler that it links with.
//!
//! The root is made by `debootstrap` (`minbase`, `gcc`, `libc6-dev`). The toolchain is mounted into it read-only; crates that
//! were fetched already are mounted too, so that the commands do not depend on a name server inside the root.

use crate::process::{self, Outcome, flag, known};
use crate::tree;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The fence that opens a command in README.md, and its two names.
const MARKS: [&str; 2] = ["<!-- command: run -->", "<!-- command: test -->"];

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &["--bare", "--print"])?;
    let text = std::fs::read_to_string(tree::root().join("README.md")).map_err(|error| error.to_string())?;
    let commands = MARKS.iter().map(|mark| command_after(&text, mark)).collect::<Result<Vec<_>, _>>()?;
    if !flag(arguments, "--bare") {
        commands.iter().for_each(|command| println!("{command}"));
        return Ok(());
    }
    let root = Bare::make()?;
    commands.iter().try_for_each(|command| {
        eprintln!("── bare root: {command}");
        root.run(command)
    })?;
    println!("readme: both commands pass in a bare root");
    Ok(())
}

/// The one line inside the fence that follows a mark.
fn command_after(text: &str, mark: &str) -> Result<String, String> {
    let (_, after) = text.split_once(mark).ok_or_else(|| format!("README.md has no `{mark}`"))?;
    let mut lines = after.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next(), lines.next()) {
        (Some(open), Some(command), Some("```")) if open.starts_with("```") => Ok(command.to_owned()),
        _ => Err(format!("after `{mark}` README.md needs a fence with one line")),
    }
}

/// A bare root, unmounted and removed when dropped.
struct Bare {
    folder: PathBuf,
    mounts: Vec<PathBuf>,
}

impl Bare {
    fn make() -> Result<Self, String> {
        if !Path::new("/usr/sbin/debootstrap").exists() {
            process::run(Command::new("apt-get").args(["update", "-q"]))?;
            process::run(Command::new("apt-get").args(["install", "-y", "-q", "debootstrap"]))?;
        }
        let folder = process::target_folder().join("bare-root");
        let mut bare = Self { folder, mounts: Vec::new() };
        bare.clear()?;
        process::run(
            Command::new("debootstrap")
                .args(["--variant=minbase", "--include=gcc,libc6-dev", "bookworm"])
                .arg(&bare.folder),
        )?;
        let toolchain =
            process::output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(tree::root()))?;
        let cargo_home = std::env::var("CARGO_HOME").unwrap_or_else(|_| {
            format!("{}/.cargo", std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned()))
        });
        process::run(&mut process::cargo(&["fetch", "--locked"]))?;
        bare.mount(Path::new(toolchain.trim()), "opt/rust", &["--bind", "-o", "ro"])?;
        bare.mount(&Path::new(&cargo_home).join("registry"), "root/.cargo/registry", &["--bind"])?;
        bare.mount(Path::new("proc"), "proc", &["-t", "proc"])?;
        bare.mount(Path::new("/dev"), "dev", &["--bind"])?;
        bare.mount(Path::new("/dev/pts"), "dev/pts", &["--bind"])?;
        bare.copy_clone()?;
        Ok(bare)
    }

    fn mount(&mut self, source: &Path, target: &str, how: &[&str]) -> Outcome {
        let target = self.folder.join(target);
        std::fs::create_dir_all(&target).map_err(|error| error.to_string())?;
        process::run(Command::new("mount").args(how).arg(source).arg(&target))?;
        self.mounts.push(target);
        Ok(())
    }

    /// A stranger's clone: what git knows, as it lies in the work tree.
    fn copy_clone(&self) -> Outcome {
        let listed = process::output(
            Command::new("git")
                .args(["ls-files", "--cached", "--others", "--exclude-standard"])
                .current_dir(tree::root()),
        )?;
        for name in listed.lines() {
            let (from, to) = (tree::root().join(name), self.folder.join("root/dvt").join(name));
            let folder = to.parent().ok_or("a file without folder")?;
            std::fs::create_dir_all(folder).map_err(|error| format!("{name}: {error}"))?;
            std::fs::copy(&from, &to).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }

    fn run(&self, command: &str) -> Outcome {
        let environment = [
            "PATH=/opt/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=/root",
            "CARGO_NET_OFFLINE=true",
            "TERM=dumb",
        ];
        let inside = format!("cd /root/dvt && {command}");
        process::run(
            Command::new("chroot")
                .arg(&self.folder)
                .args(["/usr/bin/env", "-i"])
                .args(environment)
                .args(["/bin/sh", "-c", &inside]),
        )
    }

    fn clear(&mut self) -> Outcome {
        while let Some(mount) = self.mounts.pop() {
            process::run(Command::new("umount").arg("--lazy").arg(&mount))?;
        }
        let mounted = std::fs::read_to_string("/proc/mounts").map_err(|error| error.to_string())?;
        let inside = self.folder.display().to_string();
        if mounted.lines().filter_map(|line| line.split(' ').nth(1)).any(|place| place.starts_with(&inside)) {
            return Err(format!("something is still mounted under {inside}"));
        }
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder).map_err(|error| format!("{inside}: {error}"))?;
        }
        Ok(())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if let Err(message) = self.clear() {
            eprintln!("the bare root stays: {message}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_line_inside_the_fence() {
        let text = "x\n<!-- command: run -->\n```sh\ncargo run\n```\n";
        assert_eq!(command_after(text, "<!-- command: run -->"), Ok("cargo run".to_owned()));
        assert!(command_after(text, "<!-- command: test -->").is_err());
        assert!(command_after(&text.replace("cargo run", "a\nb"), "<!-- command: run -->").is_err());
    }
}
