//! Order and characters: maps in byte order, strings by code points, the same answer every time.

use super::{bare, with};
use serde_json::{Value, json};

#[test]
fn maps_iterate_in_the_byte_order_of_their_keys() {
    // UTF-16 would put the astral character before U+FB33; bytes put it after.
    let keys = "{'\\ufb33': 1, '😀': 2, 'é': 3, 'z': 4, 'Z': 5, '10': 6, '9': 7}.map(k, k)";
    assert_eq!(bare(keys), Ok(json!(["10", "9", "Z", "z", "é", "\u{fb33}", "😀"])));
    assert_eq!(
        bare("{'b': 1, 2: 1, true: 1, -3: 1, 'a': 1, false: 1}.map(k, k)"),
        Ok(json!([false, true, -3, 2, "a", "b"]))
    );
    let names = json!({"inputs": {"\u{fb33}": 1, "😀": 2, "b": 3, "a": 4}});
    assert_eq!(with("inputs.map(k, k)", names.clone()), Ok(json!(["a", "b", "\u{fb33}", "😀"])));
    assert_eq!(with("inputs.filter(k, inputs[k] > 1)", names), Ok(json!(["a", "b", "😀"])));
}

#[test]
fn characters_beyond_the_basic_plane_count_once() {
    for (source, expected) in [
        ("size('🐱😀')", json!(2)),
        ("'🐱'.size() + size('e\\u0301')", json!(3)),
        ("'🐱😀😁'.contains('😀') && '🐱😀'.startsWith('🐱') && '🐱😀'.endsWith('😀')", json!(true)),
        ("'🐱😀'.matches('^..$') && '🐱'.matches('^[🐱😀]$')", json!(true)),
        ("['🐱', '😀'].join('·')", json!("🐱·😀")),
        ("'%s|%s'.format(['🐱', {'😀': 1}])", json!("🐱|{😀: 1}")),
        ("'😀' > '\\uffff'", json!(true)),
        ("toJson('😀')", json!("\"😀\"")),
        ("fromJson('\"\\\\ud83d\\\\ude00\"')", json!("😀")),
    ] {
        assert_eq!(bare(source), Ok(expected), "{source}");
    }
}

#[test]
fn a_thousand_evaluations_answer_the_same_bytes() {
    let names: Value = json!({"inputs": {
        "rows": (0..50).map(|row| json!({"id": format!("r{}", row * 7 % 50), "n": row})).collect::<Vec<_>>(),
    }});
    let source = "{'rows': inputs.rows.filter(r, r.n % 3 == 0).map(r, {r.id: r.n * 1.5}), 'h': hash(inputs)}";
    let first = with(source, names.clone()).unwrap().to_string();
    for _ in 0..1_000 {
        assert_eq!(with(source, names.clone()).unwrap().to_string(), first);
    }
}
