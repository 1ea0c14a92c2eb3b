//! GitHub takes no account of upper and lower case where it compares texts; a plan compares them as they are. Where that could
//! matter it is told, and where both texts are known it is decided now.

use super::expression::{Cel, Dialect, Gives, Names};
use super::parse::Tree;

/// What case has to say to a comparison.
enum Regard {
    /// Nothing: the plan finds what GitHub finds.
    None,
    /// GitHub finds this.
    Known(bool),
    /// It depends on the values.
    Open,
}

/// The word of the source by which a comparison is found: what is compared with where that is written there, else its name.
pub(super) fn word<'t>(name: &'t str, sides: impl IntoIterator<Item = &'t Tree>) -> &'t str {
    let written = sides.into_iter().find_map(|side| match side {
        Tree::Text(text) if !text.contains('\'') => Some(text.as_str()),
        _ => None,
    });
    written.unwrap_or(name)
}

/// What the comparison of two texts is at GitHub, where the plan's own would be something else; what cannot be known is told under
/// this word.
pub(super) fn decided(
    word: &str,
    (left, right): (&Cel, &Cel),
    compare: impl Fn(&str, &str) -> bool,
    names: &mut dyn Names,
) -> Option<Cel> {
    if names.dialect() != Dialect::GitHub {
        return None;
    }
    match regard(left, right, compare) {
        Regard::None => None,
        Regard::Known(flag) => Some(Cel::flag(flag)),
        Regard::Open => {
            names.ignores_case(word);
            None
        }
    }
}

fn regard(left: &Cel, right: &Cel, compare: impl Fn(&str, &str) -> bool) -> Regard {
    let is_text = |cel: &Cel| matches!(cel.gives, Gives::Text | Gives::Any);
    match (&left.literal, &right.literal) {
        _ if !is_text(left) || !is_text(right) => Regard::None,
        (Some(left), Some(right)) => {
            let at_github = compare(&left.to_lowercase(), &right.to_lowercase());
            if compare(left, right) == at_github { Regard::None } else { Regard::Known(at_github) }
        }
        (Some(known), None) if is_alike(known, right) => Regard::None,
        (None, Some(known)) if is_alike(known, left) => Regard::None,
        _ => Regard::Open,
    }
}

/// Whether a known text is written in one way only, or in the way of all that the other one may be.
fn is_alike(known: &str, other: &Cel) -> bool {
    let lower = known.to_lowercase();
    known == lower && (other.is_lower_case || known == known.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(left: &Cel, right: &Cel) -> String {
        match regard(left, right, |left, right| left == right) {
            Regard::None => "as it is".to_owned(),
            Regard::Known(flag) => flag.to_string(),
            Regard::Open => "open".to_owned(),
        }
    }

    #[test]
    fn case_matters_where_a_text_has_it_and_is_not_known() {
        let (input, any) = (Cel::new("inputs.a", Gives::Text), Cel::new("inputs.b", Gives::Any));
        let result = Cel::new("steps.a.status", Gives::Text).in_lower_case();
        let number = Cel::number("1").unwrap();
        for (left, right, is) in [
            (&Cel::text("a"), &Cel::text("A"), "true"),
            (&Cel::text("a"), &Cel::text("b"), "as it is"),
            (&Cel::text("Straße"), &Cel::text("STRAßE"), "true"),
            (&input, &Cel::text("push"), "open"),
            (&Cel::text("push"), &any, "open"),
            (&input, &any, "open"),
            (&input, &Cel::text("1.2-3"), "as it is"),
            (&input, &Cel::text(""), "as it is"),
            (&any, &number, "as it is"),
            (&result, &Cel::text("success"), "as it is"),
            (&result, &Cel::text("Success"), "open"),
            (&result, &input, "open"),
        ] {
            assert_eq!(of(left, right), is, "{} beside {}", left.source, right.source);
        }
    }
}
