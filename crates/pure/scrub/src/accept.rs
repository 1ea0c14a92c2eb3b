//! What a rule's match must also be: filters that a regular expression cannot say.

/// The filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// Every match.
    Any,
    /// No reference to a value that stands elsewhere.
    Value,
    /// Also no placeholder.
    Literal,
    /// Also at least eight characters that do not look like a word or a path.
    Random,
    /// Every match with at least this much entropy, in hundredths of a bit a byte, that is no reference.
    Entropy(u16),
}

/// Whether the filter lets it through.
pub(crate) fn accepts(filter: Accept, secret: &[u8]) -> bool {
    match filter {
        Accept::Any => true,
        Accept::Value => is_value(secret),
        Accept::Literal => is_value(secret) && is_no_placeholder(secret),
        Accept::Random => is_value(secret) && is_no_placeholder(secret) && is_random(secret),
        Accept::Entropy(least) => is_value(secret) && entropy(secret) * 100.0 >= f64::from(least),
    }
}

/// Words that stand where a secret would be put.
const PLACEHOLDERS: &[&[u8]] = &[
    b"changeme",
    b"change_me",
    b"example",
    b"placeholder",
    b"redacted",
    b"your",
    b"xxxx",
    b"****",
    b"dummy",
    b"todo",
    b"insert",
    b"replace",
    b"none",
    b"null",
    b"undefined",
    b"true",
    b"false",
    b"required",
    b"optional",
    b"string",
    b"password",
    b"passwd",
    b"secret",
    b"not-set",
    b"notset",
    b"....",
    b"####",
    b"----",
    b"____",
];

fn is_value(secret: &[u8]) -> bool {
    let secret = secret.trim_ascii_start();
    let secret = secret.strip_prefix(b"'").unwrap_or(secret);
    let lower = secret.to_ascii_lowercase();
    // `$NAME`, `${…}`, `$(…)`, `#{…}`, `%s`, `{{…}}`, `<…>`, `@…@`: a reference, not a value.
    let starts: &[&[u8]] = &[b"${", b"$(", b"#{", b"{{", b"{%", b"<", b"%(", b"[redacted]", b"@@", b"+new "];
    if starts.iter().any(|start| lower.starts_with(start)) {
        return false;
    }
    let is_name = |name: &[u8]| {
        name.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    // `$NAME`, `$NAME/path` and `$NAME'` name what stands elsewhere; `$uper$ecret` does not.
    let named = |rest: &[u8]| is_name(rest.split(|byte| b"/'\"".contains(byte)).next().unwrap_or_default());
    if secret.strip_prefix(b"$").is_some_and(named) {
        return false;
    }
    if secret.strip_prefix(b"%").is_some_and(|rest| rest.len() <= 2 || rest.ends_with(b"%")) {
        return false;
    }
    let parts: [&[u8]; 6] = [b"process.env", b"os.environ", b"getenv", b"env.", b"config.", b"vault:"];
    if parts.iter().any(|part| contains(&lower, part)) {
        return false;
    }
    // One character again and again: `xxx`, `***`.
    secret.first().is_some_and(|first| secret.iter().any(|byte| byte != first))
}

fn is_no_placeholder(secret: &[u8]) -> bool {
    let lower = secret.trim_ascii().to_ascii_lowercase();
    !(PLACEHOLDERS.contains(&lower.as_slice())
        || lower.starts_with(b"your")
        || lower.starts_with(b"xxx")
        || contains(&lower, b"****")
        || lower.starts_with(b"&lt;")
        || lower.starts_with(b"arn:"))
}

/// Shannon's, in bits a byte.
fn entropy(secret: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in secret {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let all: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    let of = |count: &u32| f64::from(*count) / all;
    counts.iter().filter(|count| **count > 0).map(|count| -of(count) * of(count).log2()).sum()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Eight characters or more, of two classes at least, with many different ones, and no path or identifier.
fn is_random(secret: &[u8]) -> bool {
    let digits = secret.iter().filter(|byte| byte.is_ascii_digit()).count();
    let upper = secret.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let lower = secret.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let others = secret.len() - digits - upper - lower;
    let classes = [digits, upper, lower, others].iter().filter(|count| **count > 0).count();
    let is_path =
        secret.contains(&b'/') && secret.iter().filter(|byte| **byte == b'/').count() * 6 > secret.len();
    let is_call = secret.ends_with(b")") || secret.ends_with(b"]");
    let is_word =
        digits == 0 && secret.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-. ".contains(byte));
    let mut seen = [false; 256];
    secret.iter().for_each(|byte| {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    });
    let different = seen.iter().filter(|seen| **seen).count();
    secret.len() >= 8 && classes >= 2 && different >= 6 && !is_path && !is_call && !is_word
}
