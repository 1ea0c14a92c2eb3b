//! Hostile texts, for the tests of bombs and for the program that measures them.
//!
//! Each is a valid beginning of something that would never end, or small text that stands for much; the code is what it is
//! answered with.

/// A name, what makes the text, and the code of its refusal.
pub(crate) type Bomb = (&'static str, fn() -> String, &'static str);

/// The most that a document may have.
const SIZE: usize = 8 << 20;

/// All of them.
pub(crate) fn all() -> Vec<Bomb> {
    let mut all = texts();
    all.extend(inside_a_plan());
    all.extend(lists_and_schemas());
    all
}

fn aliases(levels: usize, width: usize) -> String {
    let mut text = String::from("a0: &a0 x\n");
    for level in 1..levels {
        let list = vec![format!("*a{}", level - 1); width].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    text
}

fn texts() -> Vec<Bomb> {
    vec![
        ("brackets", || "[".repeat(SIZE), "DVT-P003"),
        ("braces", || "{a: ".repeat(SIZE / 4), "DVT-P003"),
        ("brackets in JSON", || format!("{{\"a\":{}", "[".repeat(SIZE - 10)), "DVT-P003"),
        ("dashes", || "- ".repeat(SIZE / 2), "DVT-P003"),
        ("questions", || "? ".repeat(SIZE / 2), "DVT-P003"),
        (
            "indentation",
            || (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
            "DVT-P003",
        ),
        ("a billion laughs", || aliases(20, 10), "DVT-P003"),
        ("two to the sixty", || aliases(60, 2), "DVT-P003"),
        ("many aliases", || format!("a: &a x\nb: [{}]", "*a, ".repeat(20_000)), "DVT-P003"),
        (
            "a long text, many aliases",
            || format!("a: &a '{}'\nb: [{}]", "x".repeat(1 << 20), "*a, ".repeat(9_000)),
            "DVT-P003",
        ),
        ("anchors on anchors", || format!("{}x{}", "&a [".repeat(60), "]".repeat(60)), "DVT-P006"),
        ("too many values", || format!("[{}]", "1,".repeat(2_000_000)), "DVT-P003"),
        ("too many keys", || (0..600_000).map(|key| format!("k{key}: 1\n")).collect(), "DVT-P003"),
        ("too many bytes", || " ".repeat(SIZE + 1), "DVT-P003"),
        ("digits", || format!("a: {}", "9".repeat(SIZE - 10)), "DVT-P004"),
        ("an exponent", || "a: 1e99999999999".to_owned(), "DVT-P004"),
        ("a float of many digits", || format!("a: 0.{}", "1".repeat(1 << 20)), "DVT-P004"),
        ("quotes without an end", || format!("a: \"{}", "\\n".repeat(1 << 20)), "DVT-P001"),
        ("a key without an end", || format!("\"{}", "a".repeat(SIZE - 10)), "DVT-P001"),
        ("spaces", || " ".repeat(SIZE), "DVT-P001"),
        ("comments", || "#\n".repeat(SIZE / 2), "DVT-P003"),
        ("comments between keys", || format!("{}a: 1", "# a comment\n".repeat(SIZE / 12 - 10)), "DVT-P005"),
        ("directives", || format!("{}---\na: 1", "%FOO bar\n".repeat(100_000)), "DVT-P005"),
        ("tags", || format!("a: [{}]", "!x 1, ".repeat(95_000)), "DVT-P004"),
        ("documents", || "--- a\n".repeat(500_000), "DVT-P004"),
        ("one key again and again", || "a: 1\n".repeat(48_000), "DVT-P002"),
        ("one key much too often", || "a: 1\n".repeat(300_000), "DVT-P003"),
        ("unknown keys", || (0..48_000).map(|key| format!("k{key}: 1\n")).collect(), "DVT-P005"),
        ("zero bytes", || "\0".repeat(1 << 20), "DVT-P001"),
        ("colons", || ":".repeat(1 << 20), "DVT-P001"),
        ("tabs", || "\t".repeat(1 << 20), "DVT-P001"),
        ("carriage returns", || "\r".repeat(SIZE), "DVT-P003"),
        ("letters of four bytes", || "\u{1f600}".repeat(SIZE / 4), "DVT-P006"),
        ("one letter of many marks", || format!("e{}: 1", "\u{301}".repeat(SIZE / 2 - 10)), "DVT-P001"),
        ("escaped letters", || format!("\"{}\": 1", "\\U0001F600".repeat(SIZE / 10 - 10)), "DVT-P001"),
        ("signs of byte order", || "\u{feff}".repeat(1 << 20), "DVT-P001"),
        (
            "a folded text of empty lines",
            || format!("a: >\n x{}", "\n\n x".repeat(SIZE / 4 - 10)),
            "DVT-P003",
        ),
        ("many small mappings", || format!("[{}]", "{a: 1},".repeat(1_000_000)), "DVT-P003"),
        (
            "many small steps",
            || format!("steps: {{{}}}", (0..600_000).map(|at| format!("{at:x}: {{}},")).collect::<String>()),
            "DVT-P003",
        ),
    ]
}

fn plan(step: &str) -> String {
    format!("apiVersion: dvt/v1\nname: a\nsteps:\n  x:\n{step}\n")
}

fn pattern(text: &str) -> String {
    format!("apiVersion: dvt/v1\nname: a\ninputs: {{ a: {{ pattern: '{text}' }} }}\n")
}

fn step(key: &str, text: String) -> String {
    plan(&format!("    run: [echo]\n    {key}: {text}"))
}

fn quoted(key: &str, text: &str) -> String {
    step(key, format!("\"{text}\""))
}

fn parts() -> String {
    (0..40_000).map(|part| format!("p{part}: {{}}, ")).collect()
}

fn nested(levels: usize) -> String {
    format!("{}{}", "{ items: ".repeat(levels), "}".repeat(levels))
}

fn inside_a_plan() -> Vec<Bomb> {
    vec![
        ("expressions", || quoted("with", &"${{ inputs.x }}".repeat(100_000)), "DVT-P019"),
        ("openings", || quoted("with", &"${{".repeat(500_000)), "DVT-P013"),
        (
            "openings in a script",
            || plan(&format!("    script: \"{}\"", "${{ a }}".repeat(200_000))),
            "DVT-P012",
        ),
        ("parentheses", || quoted("if", &"(".repeat(1 << 20)), "DVT-P013"),
        ("nots", || quoted("if", &format!("{}missing", "!".repeat(4_000))), "DVT-P007"),
        ("an endless condition", || quoted("if", &"a || ".repeat(1 << 18)), "DVT-P013"),
        ("a pattern", || pattern("((a{1000}){1000}){1000}"), "DVT-P018"),
        ("a deep pattern", || pattern(&"(".repeat(1 << 20)), "DVT-P018"),
        ("needs", || plan(&format!("    run: [echo]\n    needs: [{}]", "y, ".repeat(95_000))), "DVT-P010"),
        ("arguments", || plan(&format!("    run: [{}]", "y, ".repeat(95_000))), "DVT-P019"),
        (
            "a glob",
            || format!("{}files: ['{}']\n", plan("    run: [echo, load.py]"), "*a".repeat(128)),
            "DVT-P023",
        ),
    ]
}

fn lists_and_schemas() -> Vec<Bomb> {
    vec![
        ("lists in lists", || step("foreach", format!("\"{}\"", "[".repeat(1 << 20))), "DVT-P013"),
        ("sums of lists", || step("foreach", format!("\"{}1\"", "[1] + ".repeat(1 << 17))), "DVT-P013"),
        ("a list of ninety thousand", || step("foreach", format!("[{}]", "1,".repeat(90_000))), "DVT-P019"),
        (
            "a schema of many parts",
            || step("outputs", format!("{{ properties: {{ {} }} }}", parts())),
            "DVT-P019",
        ),
        ("a schema in a schema", || step("outputs", nested(59)), "DVT-P018"),
    ]
}
