//! INVARIANT(INV-02): no secret is printed, copied or written out; the compiler says so.

/// What the cases in `compile/` ask of a key, asked of what may be shown: the control.
fn shown<T: std::fmt::Debug + Clone + serde::Serialize>() {}

#[test]
fn no_key_is_printed_cloned_or_serialized() {
    shown::<dvt_keys::WrappedKey>();
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/keys/compile/debug.rs");
    cases.compile_fail("tests/keys/compile/display.rs");
    cases.compile_fail("tests/keys/compile/clone.rs");
    cases.compile_fail("tests/keys/compile/serialize.rs");
}
