//! DVT-S002: a literal value under a name that says it is a secret, whatever the value looks like.
//!
//! What looks like a secret by itself is refused already (`SECRET_IN_PLAN`); a short password has no looks.

use super::codes::LITERAL_SECRET;
use super::texts;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::read::tree::Node;
use crate::template::OPEN;

/// Ends of names, in lower case without `_` and `-`.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "credential",
    "credentials",
    "connectionstring",
    "dsn",
];

pub(super) fn check(root: &Node<'_>, sink: &mut Collector<'_>) {
    for key in ["vars", "steps", "finally"] {
        let Some(entry) = root.entry(key) else { continue };
        texts(&entry.value, key, &mut |name, node, text| {
            if !says_secret(name) || text.is_empty() || text.contains(OPEN) || is_reference(text) {
                return;
            }
            let message = format!("{} holds a literal, and its name says it is a secret", shown(name));
            let report = Report::warning(LITERAL_SECRET, node.place, message)
                .label("the value is not repeated here")
                .why("a plan is stored, shown and compared; whoever reads it could use the secret");
            sink.add(
                report.fix("secrets: { NAME: warehouse/dsn }   in the step, and the program reads NAME_FILE"),
            );
        });
    }
}

fn says_secret(name: &str) -> bool {
    let bare: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    NAMES.iter().any(|known| bare.ends_with(known))
}

/// A path, or the name of a secret: it only says where the secret is.
fn is_reference(text: &str) -> bool {
    text.starts_with(['/', '$']) || text.contains('/') && !text.contains("://") && !text.contains(':')
}
