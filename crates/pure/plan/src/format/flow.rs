//! A flow collection that stands on one line: `{ a: 1, b: [x, y] }`. Anything odd inside leaves it as it was written.

use granit_parser::Event;
use std::ops::Range;

/// One collection that is open, with what is written of it so far.
#[derive(Debug)]
struct Open {
    is_map: bool,
    parts: Vec<String>,
    key: Option<String>,
}

/// An outermost flow collection while its events come.
#[derive(Debug)]
pub(super) struct Flow {
    start: usize,
    open: Vec<Open>,
    written: Option<String>,
    is_odd: bool,
}

impl Flow {
    /// Begins at the opening bracket.
    pub(super) fn new(start: usize) -> Self {
        Self { start, open: Vec::new(), written: None, is_odd: false }
    }

    /// Takes an event; gives the whole range once the outermost collection ends.
    pub(super) fn take(&mut self, text: &str, event: &Event<'_>, at: &Range<usize>) -> Option<Range<usize>> {
        let source = text.get(at.clone()).unwrap_or_default();
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                let is_map = matches!(event, Event::MappingStart(..));
                self.is_odd |= source != if is_map { "{" } else { "[" };
                self.open.push(Open { is_map, parts: Vec::new(), key: None });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let Some(done) = self.open.pop() else {
                    self.is_odd = true;
                    return Some(self.start..at.end);
                };
                let inner = done.parts.join(", ");
                self.put(match (done.is_map, inner.is_empty()) {
                    (true, true) => "{}".to_owned(),
                    (true, false) => format!("{{ {inner} }}"),
                    (false, _) => format!("[{inner}]"),
                });
                if self.open.is_empty() {
                    return Some(self.start..at.end);
                }
            }
            _ => {
                self.is_odd |= source.is_empty() || source.contains('\n');
                self.put(source.to_owned());
            }
        }
        None
    }

    /// The layout, where nothing was odd.
    pub(super) fn finish(self) -> Option<String> {
        self.written.filter(|_| !self.is_odd)
    }

    fn put(&mut self, part: String) {
        match self.open.last_mut() {
            None => self.written = Some(part),
            Some(Open { is_map: false, parts, .. }) => parts.push(part),
            Some(Open { parts, key, .. }) => match key.take() {
                None => *key = Some(part),
                Some(key) => parts.push(format!("{key}: {part}")),
            },
        }
    }
}
