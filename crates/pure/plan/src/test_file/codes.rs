//! The codes of test files, with their pages. What is wrong with the shape of a test file has the codes of the plan language.

use crate::diagnostic::codes::Code;

/// A step, input or output that the plan does not have.
pub const UNKNOWN_NAME: Code =
    Code { code: "DVT-T001", title: "a name in a test file that its plan does not have" };
/// The run did not do what was expected.
pub const NOT_AS_EXPECTED: Code =
    Code { code: "DVT-T002", title: "an expectation that the played run did not meet" };
/// A deed could not be done.
pub const ACT_FAILED: Code = Code { code: "DVT-T003", title: "an act of a test that could not be done" };

/// All of them.
pub const ALL: &[Code] = &[UNKNOWN_NAME, NOT_AS_EXPECTED, ACT_FAILED];

/// Each code with the text of its page, as `dvt explain` shows it.
pub const PAGES: &[(&str, &str)] = &[
    ("DVT-T001", include_str!("../../../../../docs/codes/DVT-T001.md")),
    ("DVT-T002", include_str!("../../../../../docs/codes/DVT-T002.md")),
    ("DVT-T003", include_str!("../../../../../docs/codes/DVT-T003.md")),
];
