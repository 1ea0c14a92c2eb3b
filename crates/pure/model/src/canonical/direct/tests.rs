//! One pass and the general way are asked the same.

use super::*;
use crate::canonical::{MAX_INTEGER, of, to_bytes as general};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Inner {
    zulu: Option<u8>,
    alpha: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Word {
    OneWord,
    WithValue(u8),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outer {
    b_field: Vec<Word>,
    a_field: (i64, bool, char),
    #[serde(flatten)]
    inner: Option<Inner>,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<u8>,
    map: BTreeMap<String, Value>,
    time: crate::time::Timestamp,
    float: Value,
}

fn outer(key: &str, float: Value, words: Vec<Word>) -> Outer {
    let map = [("b", json!({ "y": [], "x": {} })), (key, json!([1, -2, null, "\u{1}\"é"]))];
    Outer {
        b_field: words,
        a_field: (-9_007_199_254_740_992, true, 'ß'),
        inner: Some(Inner { zulu: Some(3), alpha: "a/b\n" }),
        absent: None,
        map: map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        time: crate::time::Timestamp::from_ms(1_790_000_000_007),
        float,
    }
}

fn is_general<T: Serialize>(item: &T) -> bool {
    matches!(to_bytes(item), Err(Fault::General))
}

/// Both ways give the same bytes, and the one pass decides alone wherever it is meant to.
#[test]
fn one_pass_and_the_general_way_agree() {
    for (key, float, words, leaves_it) in [
        ("a", json!(1), vec![Word::OneWord], false),
        ("", json!("1.5"), vec![], false),
        ("~ key", json!(null), vec![Word::OneWord], false),
        ("a", json!(1.5), vec![], true),
        ("é", json!(1), vec![], true),
        ("\"", json!(1), vec![], true),
        ("\u{7f}", json!(1), vec![], true),
        ("a", json!(1), vec![Word::WithValue(1)], true),
    ] {
        let item = outer(key, float, words);
        let value = serde_json::to_value(&item).unwrap();
        let text = String::from_utf8(of(&item).unwrap()).unwrap();
        assert_eq!(text, String::from_utf8(general(&value).unwrap()).unwrap());
        assert_eq!(is_general(&item), leaves_it, "{text}");
    }
    for value in [json!([]), json!({}), json!("x"), json!(0), json!([[1], {"a": [{}]}]), json!(true)] {
        assert_eq!(to_bytes(&value).unwrap(), general(&value).unwrap());
    }
}

#[test]
fn what_a_type_says_twice_is_left_to_the_general_way() {
    #[derive(Serialize)]
    struct Twice {
        zulu: u8,
        #[serde(flatten)]
        inner: Inner,
    }
    let twice = Twice { zulu: 1, inner: Inner { zulu: Some(2), alpha: "" } };
    assert!(is_general(&twice));
    assert_eq!(of(&twice).unwrap(), br#"{"alpha":"","zulu":2}"#);
    assert!(is_general(&BTreeMap::from([(7u8, 1u8)])));
    assert_eq!(of(&BTreeMap::from([(7u8, 1u8)])).unwrap(), br#"{"7":1}"#);
}

#[test]
fn bounds_are_those_of_the_general_way() {
    for number in [MAX_INTEGER, MAX_INTEGER + 1, u64::MAX] {
        assert_eq!(of(&number), general(&json!(number)), "{number}");
    }
    for number in [-(1i64 << 53), -(1i64 << 53) - 1, i64::MIN] {
        assert_eq!(of(&number), general(&json!(number)), "{number}");
    }
    let nested = |levels: usize| (0..levels).fold(json!(0), |inner, _| json!({ "a": [inner] }));
    for levels in [63, 64, 65] {
        let value = nested(levels);
        assert_eq!(of(&value), general(&value), "{levels}");
    }
    assert_eq!(of(&nested(65)), Err(Error::TooDeep));
    let empty = (0..MAX_DEPTH + 1).fold(json!([]), |inner, _| json!([inner]));
    assert_eq!(of(&empty), Err(Error::TooDeep));
    let least = (0..MAX_DEPTH).fold(json!([]), |inner, _| json!([inner]));
    assert_eq!(of(&least), general(&least));
}
