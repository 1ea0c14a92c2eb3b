//! The live view: repaints the tree in place, at most ten times a second. When it ends, its last picture stays.
//!
//! A picture is one write, each line is overwritten before its rest is cleared, so nothing flickers. After a resize the
//! terminal has folded the old lines; they are counted as they lie there now, and nothing of them stays behind. Terminals fold
//! before they tell: a picture that is painted in between is cut at the edge instead of wrapped, so that what the next one
//! counts is still what lies there.

use crate::view::canvas::Canvas;
use crate::view::paint::Paint;
use crate::view::picture::Picture;
use crate::view::screen::{Screen, size};
use crate::view::tree::{draw, fit};
use crate::view::width::columns;

/// A finished run of more steps is shown as it was while it ran; `dvt runs get` shows all of them.
const MOST_LINES: usize = 100;

/// What is longer than the terminal is cut, not wrapped; and back to what terminals do.
const NO_WRAP: &str = "\u{1b}[?7l";
const WRAP: &str = "\u{1b}[?7h";

/// What is on the terminal now.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// The columns of each painted line.
    painted: Vec<usize>,
    frame: usize,
}

impl Live {
    /// Paints the run over the last picture.
    pub(crate) fn paint(&mut self, screen: &mut Screen, picture: &Picture) {
        self.frame = self.frame.wrapping_add(1);
        let (rows, width) = size();
        // Two rows stay free: one for the line above, one for the cursor.
        self.show(screen, picture, rows.saturating_sub(2).max(3), width, true);
    }

    /// The last picture; what comes next stands below it.
    pub(crate) fn finish(&mut self, screen: &mut Screen, picture: &Picture) {
        let (rows, width) = size();
        self.show(screen, picture, rows.max(MOST_LINES), width, false);
        self.painted.clear();
    }

    /// Takes the picture away, for something else is to be said; the next picture stands below that.
    pub(crate) fn clear(&mut self, screen: &mut Screen) {
        let back = self.back(size().1);
        screen.out(&format!("{back}\r\u{1b}[J"));
        self.painted.clear();
    }

    fn show(&mut self, screen: &mut Screen, picture: &Picture, rows: usize, width: usize, live: bool) {
        let now = crate::clock::now();
        // The last column stays free: a terminal that is written full may or may not go to the next line.
        let inner = width.saturating_sub(1);
        let plain = Canvas { now, width: inner, paint: Paint::plain(), frame: self.frame, live };
        let canvas = Canvas { paint: screen.paint(), ..plain };
        let lines = fit(picture, draw(picture, canvas), rows, inner);
        let painted: Vec<usize> =
            fit(picture, draw(picture, plain), rows, inner).iter().map(|line| columns(line)).collect();
        let mut text = format!("{NO_WRAP}{}", self.back(width));
        for (index, line) in lines.iter().enumerate() {
            // Where a line gets shorter it is erased whole: some terminals fold cells that were only cleared at the end.
            if painted.get(index) < self.painted.get(index) {
                text.push_str("\u{1b}[2K");
            }
            text.push_str(line);
            text.push_str("\u{1b}[K\n");
        }
        text.push_str("\u{1b}[J");
        text.push_str(WRAP);
        self.painted = painted;
        screen.out(&text);
    }

    /// To the first line of the picture, wherever the terminal has put it.
    fn back(&self, width: usize) -> String {
        let rows: usize = self.painted.iter().map(|columns| columns.div_ceil(width.max(1)).max(1)).sum();
        if rows == 0 { String::new() } else { format!("\r\u{1b}[{rows}A") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A narrower terminal has folded the old lines; the next picture begins where the first of them lies.
    #[test]
    fn folded_lines_are_counted_as_they_lie() {
        let live = Live { painted: vec![55, 20, 0], frame: 0 };
        assert_eq!(live.back(80), "\r\u{1b}[3A");
        assert_eq!(live.back(44), "\r\u{1b}[4A");
        assert_eq!(live.back(10), "\r\u{1b}[9A");
        assert_eq!(Live::default().back(80), "");
    }
}
