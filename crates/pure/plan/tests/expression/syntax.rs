//! Texts that are no expression: the message and the place, in bytes of the source.

use dvt_plan::expression::parse;

#[test]
fn the_message_says_what_and_where() {
    for (source, message, place) in [
        ("", "the expression is empty", ""),
        ("  ", "the expression is empty", "  "),
        ("1 +", "the expression ends where a value should stand", ""),
        ("(1", "`(` is never closed", "("),
        ("1)", "`)` closes nothing", ")"),
        ("[1)", "`[` is closed by `)`", "[1)"),
        ("1 2", "a number stands where an operator or the end should", "2"),
        ("a = 1", "`=` is no operator here; `==` compares", "="),
        ("a & b", "`&` is no operator here; `&&` means and", "&"),
        ("a and b", "`and` is written `&&` here", "and"),
        ("a or b", "`or` is written `||` here", "or"),
        ("not a", "`not` is written `!` here", "not"),
        ("'a", "the string is never closed", "'"),
        ("'ä\\q'", "`\\q` is no escape", "\\q"),
        ("'\\ud800'", "the escape names no character", "\\ud800"),
        ("'\\x4'", "this escape needs 2 digits", "\\x"),
        ("1u", "unsigned integers are not part of the plan language", "1u"),
        ("12ab", "`12ab` is no number", "12ab"),
        ("b'x'", "bytes are not part of the plan language; use a string", "b'"),
        ("9223372036854775808", "the number is too large", "9223372036854775808"),
        ("1e999", "the number is too large", "1e999"),
        (
            "x.All{a: 1}",
            "typed messages are not part of the plan language; write the map without a name",
            "{",
        ),
        ("[1].map(x)", "`map` takes a name for the item and one or two expressions", "map(x)"),
        ("[1].all(x.y, true)", "`all` begins with a plain name for the item", "all(x.y, true)"),
        ("has(x)", "`has` takes a path that ends in a field, as in `has(inputs.region)`", "has(x)"),
        ("let", "`let` is a reserved word", "let"),
        ("a.in", "`in` stands where a field name should", "in"),
        ("${{ a }}", "this is an expression already; `${{ }}` does not stand inside one", "$"),
        ("a ? b", "the expression ends where `:` should stand", ""),
        ("a # b", "`#` has no meaning in an expression", "#"),
        ("😀", "`😀` has no meaning in an expression", "😀"),
    ] {
        let error = parse(source).expect_err(source);
        assert_eq!(
            (error.message.as_str(), source.get(error.range.clone())),
            (message, Some(place)),
            "{source}"
        );
    }
}

/// Any text at all: an answer, never a panic. The texts are the same at every run.
#[test]
fn no_text_breaks_the_parser() {
    let pieces = [
        "(", ")", "[", "]", "{", "}", "'", "\"", "'''", "\\", "\\u", "?", ":", ".", ",", "+", "-", "!", "&&",
        "||", "in", "a", "has(", ".map(x,", "1", "0x", "1e", ".5", "é", "😀", "//", "\n", " ", "r'", "b'",
        "`", "steps.a", "==", "<", "null", "matches(", "\u{0}",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    let mut parsed = 0;
    for _ in 0..200_000 {
        let source: String = (0..next() % 9 + 1).map(|_| pieces[next() % pieces.len()]).collect();
        match parse(&source) {
            Ok(expression) => {
                parsed += 1;
                let _ = dvt_plan::expression::evaluate(&expression, &Default::default());
                let _ = dvt_plan::expression::check::check(&expression, &Default::default());
            }
            Err(error) => assert!(source.get(error.range.clone()).is_some(), "{source:?} {error:?}"),
        }
    }
    assert!(parsed > 1_000, "only {parsed} texts were expressions");
}
