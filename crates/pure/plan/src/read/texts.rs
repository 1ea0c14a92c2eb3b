//! Texts that do not stand in the document as they are: escapes undone, lines folded.
//!
//! A tree borrows what it says from the document. What the parser had to make anew is kept here, beside the document, and lives as
//! long. Rooms are never moved once they are made, so a text that was given out stays where it is.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

/// Texts of the first room; each further room holds twice as many.
const FIRST: usize = 64;
/// Rooms: together they hold more texts than a document may have values.
const ROOMS: usize = 20;

type Room = Box<[OnceCell<Box<str>>]>;

/// The texts of one document.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    rooms: [OnceCell<Room>; ROOMS],
    used: Cell<usize>,
}

impl Texts {
    /// The text, kept where it was made anew.
    pub(crate) fn keep<'t>(&'t self, text: Cow<'t, str>) -> &'t str {
        match text {
            Cow::Borrowed(text) => text,
            Cow::Owned(made) => self.hold(made.into_boxed_str()),
        }
    }

    fn hold(&self, text: Box<str>) -> &str {
        let at = self.used.get();
        self.used.set(at + 1);
        let nth = (at / FIRST + 1).ilog2();
        let begin = FIRST * ((1 << nth) - 1);
        let make = || (0..FIRST << nth).map(|_| OnceCell::new()).collect();
        let room = self.rooms.get(nth as usize).map(|room| room.get_or_init(make));
        // The budget of values ends a document long before its rooms do.
        room.and_then(|room| room.get(at - begin)).map_or("", |cell| cell.get_or_init(|| text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::measure::MAX_NODES;

    #[test]
    fn each_text_stays_what_it_is() {
        let texts = Texts::default();
        let kept: Vec<&str> = (0..20_000).map(|at| texts.keep(Cow::Owned(format!("text {at}")))).collect();
        for (at, text) in kept.into_iter().enumerate() {
            assert_eq!(text, format!("text {at}"));
        }
        assert_eq!(texts.keep(Cow::Borrowed("as it stands")), "as it stands");
        assert_eq!(texts.used.get(), 20_000, "what stands in the document is not kept again");
    }

    #[test]
    fn there_is_room_for_all_values_of_a_document() {
        const { assert!(FIRST * ((1 << ROOMS) - 1) > 2 * MAX_NODES) };
    }
}
