//! Lines that fit: cutting, and breaking at places where a reader expects it. Widths are columns of a terminal, not bytes.
//!
//! It is given text without colour: what counts columns must not meet escapes.

/// Columns that a character takes: two for the wide blocks of East Asia and for pictures, none for marks that combine.
fn columns_of(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036f | 0x200b..=0x200f | 0x2060 | 0xfe00..=0xfe0f | 0xfeff => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Columns that a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The text in at most so many columns; `…` stands where it was cut. Tabs become blanks, for they jump.
pub(crate) fn clip(text: &str, width: usize) -> String {
    let text = text.replace('\t', " ");
    if columns(&text) <= width {
        return text;
    }
    let (mut out, mut used) = (String::new(), 1);
    for character in text.chars() {
        used += columns_of(character);
        if used > width {
            break;
        }
        out.push(character);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// Pieces put together with `between`, on as many lines as they need; lines after the first begin with `indent`. A piece that is wider
/// than a line is broken at its blanks, and a word that is wider stays whole: a piece may be a command, and half of one is none.
pub(crate) fn pack<T: AsRef<str>>(pieces: &[T], between: &str, indent: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces.iter().map(AsRef::as_ref).filter(|piece| !piece.is_empty()) {
        match lines.last_mut() {
            Some(line) if columns(line) + columns(between) + columns(piece) <= width => {
                line.push_str(between);
                line.push_str(piece);
            }
            last => {
                let begin = if last.is_some() { indent } else { "" };
                lines.extend(broken(piece, begin, indent, width));
            }
        }
    }
    lines.join("\n")
}

/// The lines of one piece: as few as its blanks allow.
fn broken(piece: &str, begin: &str, indent: &str, width: usize) -> Vec<String> {
    let mut line = begin.to_owned();
    let mut lines = Vec::new();
    let mut is_empty = true;
    for word in piece.split(' ') {
        if !is_empty && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(&word.replace('\t', " "));
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// A sentence broken at its blanks.
pub(crate) fn wrap(text: &str, indent: &str, width: usize) -> String {
    pack(&text.split(' ').collect::<Vec<_>>(), " ", indent, width)
}

/// The same of a sentence that begins with blanks: they stay, and further lines stand two columns further in.
pub(crate) fn indented(text: &str, width: usize) -> String {
    let rest = text.trim_start();
    let before = text.get(..text.len() - rest.len()).unwrap_or_default();
    let lines = wrap(rest, "  ", width.saturating_sub(before.len()).max(1));
    lines.lines().map(|line| format!("{before}{line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wider_than_asked() {
        assert_eq!(clip("orders", 6), "orders");
        assert_eq!(clip("orders", 5), "orde…");
        assert_eq!(clip("注文の合計", 6), "注文…");
        assert_eq!(clip("a\tb", 9), "a b");
        assert_eq!(clip("orders", 0), "");
        assert_eq!(wrap("one two three four", "  ", 9), "one two\n  three\n  four");
        assert_eq!(pack(&["a b", "c d", "e f"], " · ", "", 10), "a b · c d\ne f");
        assert_eq!(indented("  one two three", 9), "  one two\n    three");
        let command = "dvt runs logs run_7c1e12ab --step transform";
        assert_eq!(
            pack(&["dvt audit verify", command], "   ", "  ", 20),
            "dvt audit verify\n  dvt runs logs\n  run_7c1e12ab\n  --step transform",
            "a command loses nothing"
        );
        assert_eq!(wrap("one seven-seven", "", 5), "one\nseven-seven", "nor does a word");
        assert_eq!(wrap("all on one line", "", usize::MAX), "all on one line");
    }
}
