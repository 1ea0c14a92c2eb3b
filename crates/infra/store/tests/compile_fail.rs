//! Rules that types hold: what must not compile does not, with the message checked in.

/// INV-01 and INV-08.
#[test]
fn what_must_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
