//! Foreign names as ids and texts (PLAN_LANGUAGE, "What is refused").
//!
//! Two names never become one id: what is longer than 64 characters, or collides, becomes its first 51 characters, `-` and
//! 12 hex digits of the original's SHA-256.

use dvt_model::digest::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// The longest id.
const LONGEST: usize = 64;
/// What is kept of a longer one.
const KEPT: usize = 51;

/// Ids for all of these names, each its own.
pub(crate) fn ids<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let mut wanted: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in names {
        wanted.entry(cleaned(name)).or_default().push(name);
    }
    let is_alone = |id: &String, names: &[&str]| names.len() == 1 && id.len() <= LONGEST;
    let mut given = BTreeMap::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (id, names) in wanted.iter().filter(|(id, names)| is_alone(id, names)) {
        taken.insert(id.clone());
        given.extend(names.iter().map(|name| ((*name).to_owned(), id.clone())));
    }
    // A name may look like the id that another one is given, so each of these is asked for.
    for (id, names) in wanted.iter().filter(|(id, names)| !is_alone(id, names)) {
        for name in names {
            let mut own = shortened(id, name);
            let mut again = 1;
            while !taken.insert(own.clone()) {
                again += 1;
                own = id_again(name, again);
            }
            given.insert((*name).to_owned(), own);
        }
    }
    given
}

/// The id of one name.
pub(crate) fn id(name: &str) -> String {
    let id = cleaned(name);
    if id.len() <= LONGEST { id } else { shortened(&id, name) }
}

/// Another id of a name whose first one is taken.
pub(crate) fn id_again(name: &str, again: u64) -> String {
    shortened(&cleaned(name), &format!("{name}#{again}"))
}

/// Letters, digits, `_` and `-`, beginning with a letter.
fn cleaned(name: &str) -> String {
    let keep = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' };
    let cleaned: String = name.chars().map(keep).collect();
    if cleaned.starts_with(|first: char| first.is_ascii_alphabetic()) {
        cleaned
    } else {
        format!("s{cleaned}")
    }
}

fn shortened(id: &str, original: &str) -> String {
    let kept: String = id.chars().take(KEPT).collect();
    let digest: String = Digest::of(original.as_bytes()).hex().chars().take(12).collect();
    format!("{kept}-{digest}")
}

/// The name of a plan: lower case, digits and `-`.
pub(crate) fn plan_name(text: &str) -> String {
    let keep = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let cleaned: String = text.chars().map(keep).take(60).collect();
    let cleaned = cleaned.trim_matches('-');
    match cleaned.chars().next() {
        None => "imported".to_owned(),
        Some(first) if first.is_ascii_alphabetic() => cleaned.to_owned(),
        Some(_) => format!("p-{cleaned}"),
    }
}

/// A foreign text as the literal that it is: `${{` opens an expression in a plan and must not do so here, and no program is
/// given a zero byte.
pub(crate) fn literal(text: &str) -> String {
    text.replace("${{", "$ {{").replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_share_an_id_and_every_id_is_one() {
        let long = "x".repeat(100);
        let names = ["a.b", "a_b", "1st", "", "ä", "ö", "model.shop.orders", &long];
        let given = ids(names);
        assert_eq!(given.len(), names.len());
        let distinct: BTreeSet<&String> = given.values().collect();
        assert_eq!(distinct.len(), names.len(), "{given:?}");
        for (name, id) in &given {
            assert!(dvt_model::id::StepId::parse(id).is_ok(), "{name:?} -> {id:?}");
        }
        assert_eq!(given["model.shop.orders"], "model_shop_orders");
        assert_eq!(given[&long].len(), 64);
        assert!(given["a.b"].starts_with("a_b-"), "{given:?}");
    }

    #[test]
    fn a_name_that_looks_like_the_id_of_another_does_not_take_it() {
        let first = ids(["a.b", "a_b"]);
        let looks_like = first["a.b"].clone();
        let given = ids(["a.b", "a_b", looks_like.as_str()]);
        assert_eq!(given[&looks_like], looks_like);
        assert_eq!(given.values().collect::<BTreeSet<_>>().len(), 3, "{given:?}");
    }

    #[test]
    fn names_of_plans_are_names() {
        for text in ["1000genome-2020", "Bwa Alignment", "", "日本", "--a--", &"y".repeat(200)] {
            assert!(dvt_model::id::PlanName::parse(&plan_name(text)).is_ok(), "{text:?}");
        }
        assert_eq!(literal("a ${{ b }} ${{\0"), "a $ {{ b }} $ {{\u{fffd}");
    }
}
