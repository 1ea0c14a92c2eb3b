//! The scrubber, line by line and as a stream.

use super::{Target, lossy};
use dvt_scrub::Scrubber;

/// The target.
pub(super) const TARGET: Target =
    Target { name: "scrub", seeds: &["fuzz/seeds/scrub.jsonl"], words: WORDS, keys: &[], read };

const WORDS: &[&str] = &[
    "vT9-qUx_4417",
    "vT9-",
    "qUx_4417",
    "dlQ5LXFVeF80NDE3",
    "7654392d7155785f34343137",
    "vT9%2DqUx%5F4417",
    "password=",
    "token: ",
    "AKIA",
    "ghp_",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "-----END RSA PRIVATE KEY-----\n",
    "Authorization: Bearer ",
    "eyJhbGciOi",
    "xoxb-",
    "\n",
    "\r\n",
    "[REDACTED]",
    "://user:",
    "@host",
    "\"secret\": \"",
    "\\",
    "=",
    "AIza",
    "sk_live_",
    "0123456789abcdef0123456789abcdef",
];

/// The secret of the stream below.
const SECRET: &str = "vT9-qUx_4417";

/// A line and a stream in two chunks: the secret never comes out, and what is found lies within the text.
fn read(text: &[u8]) -> Vec<String> {
    let Ok(scrubber) = Scrubber::new(&[SECRET]) else { return Vec::new() };
    for finding in scrubber.find_bytes(text) {
        assert!(text.get(finding.range.clone()).is_some(), "a finding outside of the text");
    }
    let line = scrubber.scrub_line(&lossy(text)).into_owned();
    assert!(!line.contains(SECRET), "the secret in a line");
    let at = text.first().map_or(0, |first| usize::from(*first)).min(text.len());
    let (before, after) = text.split_at(at);
    let mut stream = scrubber.stream();
    let mut out = stream.push(before);
    out.extend(stream.push(after));
    out.extend(stream.finish());
    assert!(!out.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "the secret in a stream");
    // The word before the first mask, so that the control has to be masked to be met.
    line.split_once("[REDACTED]").map(|(before, _)| before.trim().to_owned()).into_iter().collect()
}
