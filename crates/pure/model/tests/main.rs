//! What must not compile: the rules that types keep.

/// INVARIANT(INV-01): no scope, context or proof without the minter; `mint_with_minter.rs` is the control that the same
/// lines do compile with one.
#[test]
fn rules_that_types_keep() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/mint_with_minter.rs");
    cases.compile_fail("tests/compile_fail/scope_without_minter.rs");
    cases.compile_fail("tests/compile_fail/scope_from_json.rs");
    cases.compile_fail("tests/compile_fail/proof_for_another_action.rs");
    cases.compile_fail("tests/compile_fail/record_without_check.rs");
}
