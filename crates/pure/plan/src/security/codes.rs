//! The codes of the security rules and their pages. A code never gets a second meaning.

use crate::diagnostic::codes::Code;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $title:literal;)*) => {
        $($(#[$doc])* pub(super) const $name: Code = Code { code: $code, title: $title };)*

        /// All of them, in the order of their numbers.
        pub const ALL: &[Code] = &[$($name),*];

        const PAGES: &[(&str, &str)] = &[
            $(($code, include_str!(concat!("../../../../../docs/codes/", $code, ".md")))),*
        ];
    };
}

codes! {
    /// A permission that no step needs.
    UNUSED_PERMISSION = "DVT-S001", "a permission wider than what the steps use";
    /// A literal under a name that says secret.
    LITERAL_SECRET = "DVT-S002", "a literal under a name that says it is a secret";
    /// A private address.
    PRIVATE_EGRESS = "DVT-S003", "a connection to a private or metadata address";
    /// No time limit was chosen.
    NO_TIMEOUT = "DVT-S004", "a step that runs as long as the default allows";
    /// Code in an argument.
    CODE_ARGUMENT = "DVT-S005", "code handed to an interpreter as an argument";
    /// A plugin without a full version.
    UNPINNED_PLUGIN = "DVT-S006", "a plugin that is not pinned to a full version";
}

/// Each code with the text of its page.
pub fn pages() -> &'static [(&'static str, &'static str)] {
    PAGES
}
