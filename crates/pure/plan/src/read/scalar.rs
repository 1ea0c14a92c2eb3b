//! Plain scalars by the core schema of YAML 1.2: only its nulls, booleans, integers and floats; `yes`, `on` and
//! `0777` are what they look like (two strings and the integer 777), never what YAML 1.1 made of them.

use super::tree::Kind;
use dvt_model::canonical;
use serde_json::{Number, Value};

/// Why a scalar has no JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `.inf`, `.nan`, or a float beyond the doubles.
    NotFinite,
    /// Beyond 2^53, or a double that the canonical form writes as such an integer.
    IntegerTooLarge,
}

/// The value of a plain scalar.
pub(crate) fn plain(text: &str) -> Result<Kind<'_>, Fault> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" | ".nan"
        | ".NaN" | ".NAN" => return Err(Fault::NotFinite),
        _ => match number(text)? {
            Some(number) => Kind::Number(number),
            None => Kind::Text(text),
        },
    })
}

fn number(text: &str) -> Result<Option<Number>, Fault> {
    if let Some(digits) =
        text.strip_prefix("0o").filter(|digits| all(digits, |byte| matches!(byte, b'0'..=b'7')))
    {
        return radix(digits, 8);
    }
    if let Some(digits) =
        text.strip_prefix("0x").filter(|digits| all(digits, |byte| byte.is_ascii_hexdigit()))
    {
        return radix(digits, 16);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if all(unsigned, |byte| byte.is_ascii_digit()) {
        let digits = unsigned.trim_start_matches('0');
        if digits.len() > 16 {
            return Err(Fault::IntegerTooLarge);
        }
        let size: i64 =
            if digits.is_empty() { 0 } else { digits.parse().map_err(|_| Fault::IntegerTooLarge)? };
        return settle(Number::from(if text.starts_with('-') { -size } else { size }));
    }
    if !is_float(unsigned) {
        return Ok(None);
    }
    // A float of a megabyte of digits is a bomb, and no double needs more than 767 digits.
    if text.len() > 1_024 {
        return Err(Fault::NotFinite);
    }
    let value: f64 = text.parse().map_err(|_| Fault::NotFinite)?;
    settle(Number::from_f64(value).ok_or(Fault::NotFinite)?)
}

fn all(text: &str, test: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(test)
}

fn radix(digits: &str, radix: u32) -> Result<Option<Number>, Fault> {
    let digits = digits.trim_start_matches('0');
    let value = if digits.is_empty() { Ok(0) } else { u64::from_str_radix(digits, radix) };
    settle(Number::from(value.map_err(|_| Fault::IntegerTooLarge)?))
}

fn settle(number: Number) -> Result<Option<Number>, Fault> {
    match canonical::normalise(Value::Number(number)) {
        Ok(Value::Number(number)) => Ok(Some(number)),
        Ok(_) | Err(canonical::Error::NotFinite) => Err(Fault::NotFinite),
        Err(_) => Err(Fault::IntegerTooLarge),
    }
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", after)) => all(after, |byte| byte.is_ascii_digit()),
        Some((before, after)) => digits(before) && digits(after),
        None => all(mantissa, |byte| byte.is_ascii_digit()),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        all(exponent.strip_prefix(['+', '-']).unwrap_or(exponent), |byte| byte.is_ascii_digit())
    });
    mantissa_fits && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(text: &str) -> Value {
        super::super::tree::Node { place: Default::default(), kind: plain(text).unwrap() }.to_value()
    }

    #[test]
    fn the_core_schema() {
        for (text, expected) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("TRUE", json!(true)),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("No", json!("No")),
            ("tRue", json!("tRue")),
            ("12", json!(12)),
            ("+12", json!(12)),
            ("-0", json!(0)),
            ("0777", json!(777)),
            ("0o17", json!(15)),
            ("0xfF", json!(255)),
            ("1_000", json!("1_000")),
            ("12:30:45", json!("12:30:45")),
            ("1.5", json!(1.5)),
            ("1.", json!(1)),
            (".5", json!(0.5)),
            ("1e3", json!(1000)),
            ("-1.5E-1", json!(-0.15)),
            (".", json!(".")),
            ("e3", json!("e3")),
            ("1e", json!("1e")),
            ("+", json!("+")),
            ("2026-01-01", json!("2026-01-01")),
            ("9007199254740992", json!(9_007_199_254_740_992_u64)),
            ("9007199254740992.0", json!(9_007_199_254_740_992_u64)),
            ("-1e21", json!(-1e21)),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_json_value() {
        assert_eq!(plain("9007199254740993"), Err(Fault::IntegerTooLarge));
        assert_eq!(plain(&"9".repeat(1_000_000)), Err(Fault::IntegerTooLarge));
        for text in ["1e16", "9007199254740994.0", "-1e20", "999999999999999900000.", "+.1e18"] {
            assert_eq!(plain(text), Err(Fault::IntegerTooLarge), "{text}");
        }
        assert_eq!(plain("0xfffffffffffffffff"), Err(Fault::IntegerTooLarge));
        assert_eq!(plain("1e999999999"), Err(Fault::NotFinite));
        assert_eq!(plain(&format!("1.{}", "0".repeat(1_000_000))), Err(Fault::NotFinite));
        assert_eq!(plain(".inf"), Err(Fault::NotFinite));
        assert_eq!(plain("-.INF"), Err(Fault::NotFinite));
    }
}
