//! Draws a diagnostic: code and sentence, the place with a caret, why, fix, page.

use crate::view::paint::Paint;
use crate::view::safe::safe;
use dvt_plan::diagnostic::{Diagnostic, Severity, Source, Span};
use std::fmt::Write as _;

/// The longest piece of a source line that is shown.
const WIDTH: usize = 160;

/// One diagnostic as text, several lines, ending in a newline.
pub(crate) fn draw(source: &Source, diagnostic: &Diagnostic, paint: Paint) -> String {
    let mut out = String::new();
    let head = match diagnostic.severity {
        Severity::Error => paint.red(&format!("error[{}]", diagnostic.code)),
        Severity::Warning => paint.yellow(&format!("warning[{}]", diagnostic.code)),
    };
    let _ = writeln!(out, "{head}: {}", safe(&diagnostic.message));
    let places =
        std::iter::once(diagnostic.span.line).chain(diagnostic.related.iter().map(|(span, _)| span.line));
    let gutter = places.max().unwrap_or(1).to_string().len() + 1;
    place(&mut out, source, &diagnostic.span, diagnostic.label.as_deref().unwrap_or(""), '^', gutter, paint);
    for (span, note) in &diagnostic.related {
        place(&mut out, source, span, note, '-', gutter, paint);
    }
    let mut note = |label: &str, text: &str| {
        for (index, line) in text.lines().enumerate() {
            let head = if index == 0 { format!("{} {label:<8}", paint.blue("=")) } else { " ".repeat(10) };
            let _ = writeln!(out, "{:gutter$} {head} {}", "", safe(line));
        }
    };
    if let Some(why) = &diagnostic.why {
        note("why:", why);
    }
    if let Some(fix) = &diagnostic.fix {
        note("fix:", fix);
    }
    if !diagnostic.choices.is_empty() {
        note("choices:", &choices(&diagnostic.choices));
    }
    note("more:", &format!("dvt explain {}", diagnostic.code));
    out
}

fn choices(all: &[String]) -> String {
    const SHOWN: usize = 12;
    let list = all.iter().take(SHOWN).map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN { format!("{list}, and {} more", all.len() - SHOWN) } else { list }
}

fn place(
    out: &mut String,
    source: &Source,
    span: &Span,
    label: &str,
    mark: char,
    gutter: usize,
    paint: Paint,
) {
    let text = source.text.lines().nth(span.line.saturating_sub(1)).unwrap_or("");
    let before = span.column.saturating_sub(1);
    let bytes = source.text.get(span.start..span.end).unwrap_or("");
    let marked = bytes.lines().next().unwrap_or("").chars().count().max(1);

    // A long line is shown around the caret.
    let skip = if before + marked > WIDTH { before.saturating_sub(WIDTH / 4) } else { 0 };
    let shown: String = text.chars().skip(skip).take(WIDTH).collect::<String>().replace('\t', " ");
    let marked = marked.min(WIDTH.saturating_sub(before - skip).max(1));

    let line = paint.blue(&format!("{:<gutter$}│", span.line));
    let _ = writeln!(
        out,
        "{:gutter$}{} {}:{}:{}",
        "",
        paint.blue("┌─"),
        safe(&source.name),
        span.line,
        span.column
    );
    let _ = writeln!(out, "{line} {}", safe(&shown));
    let under = paint.red(&mark.to_string().repeat(marked));
    let tail = if label.is_empty() { String::new() } else { format!(" {}", safe(label)) };
    let _ = writeln!(out, "{:gutter$}{} {}{under}{tail}", "", paint.blue("│"), " ".repeat(before - skip));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source { name: "etl.yaml".to_owned(), text: "a: 1\n    foreach: inputs.regoin\nb: 2\n".to_owned() }
    }

    fn diagnostic() -> Diagnostic {
        Diagnostic {
            code: "DVT-P007".to_owned(),
            severity: Severity::Error,
            message: "`inputs.regoin` does not exist".to_owned(),
            span: Span { start: 18, end: 31, line: 2, column: 14 },
            label: Some("did you mean `inputs.regions`?".to_owned()),
            why: None,
            fix: Some("write `inputs.regions`".to_owned()),
            choices: vec!["inputs.regions".to_owned()],
            related: Vec::new(),
        }
    }

    #[test]
    fn the_picture_of_the_plan_language() {
        let expected = "\
error[DVT-P007]: `inputs.regoin` does not exist
  ┌─ etl.yaml:2:14
2 │     foreach: inputs.regoin
  │              ^^^^^^^^^^^^^ did you mean `inputs.regions`?
   = fix:     write `inputs.regions`
   = choices: `inputs.regions`
   = more:    dvt explain DVT-P007
";
        assert_eq!(draw(&source(), &diagnostic(), Paint::plain()), expected);
    }

    #[test]
    fn long_lines_and_broken_spans_are_drawn_all_the_same() {
        let mut long = source();
        long.text = format!("{}x", " ".repeat(5_000));
        let mut far = diagnostic();
        far.span = Span { start: 5_000, end: 5_001, line: 1, column: 5_001 };
        assert!(draw(&long, &far, Paint::plain()).lines().all(|line| line.chars().count() < 300));
        far.span = Span { start: 9_000_000, end: 1, line: 77, column: 1 };
        assert!(draw(&long, &far, Paint::plain()).contains("etl.yaml:77:1"));
    }
}
