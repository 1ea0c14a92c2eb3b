//! The live view: repaints the tree in place, at most ten times a second. When it ends, its last picture stays.

use crate::view::picture::Picture;
use crate::view::screen::{Screen, size};
use crate::view::tree::{Canvas, draw, fit};

/// What is on the terminal now.
#[derive(Debug, Default)]
pub(crate) struct Live {
    painted: usize,
    frame: usize,
}

impl Live {
    /// Paints the run over the last picture.
    pub(crate) fn paint(&mut self, screen: &mut Screen, picture: &Picture) {
        let (rows, width) = size();
        self.frame = self.frame.wrapping_add(1);
        let now = crate::clock::now();
        let canvas = Canvas { now, width, paint: screen.paint(), frame: self.frame, live: true };
        // Two rows stay free: one for the line above, one for the cursor.
        let lines = fit(picture, draw(picture, canvas), rows.saturating_sub(2).max(3));
        let mut text = self.back();
        for line in &lines {
            text.push_str(line);
            text.push_str("\u{1b}[K\n");
        }
        text.push_str("\u{1b}[J");
        self.painted = lines.len();
        screen.out(&text);
    }

    /// The last picture in full; what comes next stands below it.
    pub(crate) fn finish(&mut self, screen: &mut Screen, picture: &Picture) {
        let canvas = Canvas {
            now: crate::clock::now(),
            width: size().1,
            paint: screen.paint(),
            frame: 0,
            live: false,
        };
        let back = self.back();
        let lines = draw(picture, canvas);
        screen.out(&format!("{back}\u{1b}[J{}\n", lines.join("\n")));
        self.painted = 0;
    }

    /// Something else is written now; the next picture stands below it.
    pub(crate) fn leave(&mut self) {
        self.painted = 0;
    }

    fn back(&self) -> String {
        if self.painted == 0 { String::new() } else { format!("\r\u{1b}[{}A", self.painted) }
    }
}
