//! Writing what a repair made: beside the file first, then in its place, so that no crash leaves half a plan.

use crate::files::reason;
use crate::problem::Problem;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use dvt_plan::diagnostic::Source;
use std::io::Write as _;
use std::path::Path;

/// Mends a file where there is something to mend, and gives what it holds now.
pub(super) fn mend(file: &Path, source: Source, screen: &Screen) -> Result<Source, Problem> {
    let repaired = dvt_plan::repair::repair(&source);
    for what in &repaired.done {
        screen.note(&safe(&format!("{}: {what}", source.name)));
    }
    if repaired.done.is_empty() {
        return Ok(source);
    }
    replace(file, &repaired.text)?;
    Ok(Source { text: repaired.text, ..source })
}

/// Puts a new text in the place of a file.
pub(crate) fn replace(file: &Path, text: &str) -> Result<(), Problem> {
    let cannot = |error: std::io::Error| {
        Problem::usage(format!("`{}` cannot be written: {}", file.display(), reason(&error)))
    };
    // A link is followed, so that it stays one.
    let file = std::fs::canonicalize(file).map_err(cannot)?;
    let mode = std::fs::metadata(&file).map_err(cannot)?.permissions();
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = file.with_file_name(name);
    let written =
        std::fs::OpenOptions::new().write(true).create_new(true).open(&beside).and_then(|mut new| {
            new.write_all(text.as_bytes())?;
            new.set_permissions(mode)?;
            new.sync_all()
        });
    // If we crash before this, the plan is as it was, and a file ending in `.new` may lie beside it.
    written.and_then(|()| std::fs::rename(&beside, &file)).map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        cannot(error)
    })
}
