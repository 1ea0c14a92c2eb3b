//! The fields of an envelope, read from its canonical bytes in one pass without a parser's generality.
//!
//! It reads less than JSON: no white space, no escapes, no fractions, sixteen levels. What it reads means the same to every
//! parser, and everything else it leaves to one. Surprising: the whole text is still looked at, so that nothing is an envelope
//! here that would be none there.

use super::entry::Identity;

/// Levels of what is skipped.
const DEPTH: u32 = 16;

struct Scan<'a> {
    rest: &'a str,
}

/// What the envelope says; `None` where a parser decides.
pub(super) fn identity(envelope: &[u8]) -> Option<Identity<'_>> {
    let mut scan = Scan { rest: std::str::from_utf8(envelope).ok()? };
    let (mut record_version, mut entry_id, mut ledger_id, mut tenant_id) = (None, None, None, None);
    let (mut event_type, mut event_name, mut run_id, mut idempotency_key) = (None, None, None, None);
    let mut run_seq = None;
    scan.expect(b'{')?;
    loop {
        let key = scan.text()?;
        scan.expect(b':')?;
        let field = match key {
            "recordVersion" => Some(&mut record_version),
            "entryId" => Some(&mut entry_id),
            "ledgerId" => Some(&mut ledger_id),
            "tenantId" => Some(&mut tenant_id),
            "eventType" => Some(&mut event_type),
            "eventName" => Some(&mut event_name),
            "runId" => Some(&mut run_id),
            "idempotencyKey" => Some(&mut idempotency_key),
            _ => None,
        };
        match (field, key) {
            // A field that is there twice is for the parser to refuse.
            (Some(field), _) => {
                if field.replace(scan.text()?).is_some() {
                    return None;
                }
            }
            (None, "runSeq") => {
                if run_seq.replace(scan.number()?.parse().ok()?).is_some() {
                    return None;
                }
            }
            (None, _) => scan.skip(DEPTH)?,
        }
        if !scan.more(b'}')? {
            break;
        }
    }
    if !scan.rest.is_empty() {
        return None;
    }
    Some(Identity {
        record_version: record_version?,
        entry_id: entry_id?,
        ledger_id: ledger_id?,
        tenant_id: tenant_id?,
        event_type: event_type?,
        event_name,
        run_id,
        run_seq,
        idempotency_key,
    })
}

impl<'a> Scan<'a> {
    fn first(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Takes so many bytes.
    fn take(&mut self, count: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.first()? == byte).then(|| self.take(1)).flatten().map(drop)
    }

    /// Whether another item follows, or the end.
    fn more(&mut self, end: u8) -> Option<bool> {
        let byte = self.first()?;
        self.take(1)?;
        match byte {
            b',' => Some(true),
            byte => (byte == end).then_some(false),
        }
    }

    /// A string without escapes.
    fn text(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let stop = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        let text = self.take(self.rest.as_bytes().iter().position(stop)?)?;
        self.expect(b'"')?;
        Some(text)
    }

    /// An integer that is not negative.
    fn number(&mut self) -> Option<&'a str> {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = self.take(length)?;
        (length == 1 || (length > 1 && !digits.starts_with('0'))).then_some(digits)
    }

    /// Any value.
    fn skip(&mut self, depth: u32) -> Option<()> {
        let within = depth.checked_sub(1)?;
        match self.first()? {
            b'"' => self.text().map(drop),
            b'{' => {
                self.take(1)?;
                if self.first()? == b'}' {
                    return self.expect(b'}');
                }
                loop {
                    self.text()?;
                    self.expect(b':')?;
                    self.skip(within)?;
                    if !self.more(b'}')? {
                        return Some(());
                    }
                }
            }
            b'[' => {
                self.take(1)?;
                if self.first()? == b']' {
                    return self.expect(b']');
                }
                loop {
                    self.skip(within)?;
                    if !self.more(b']')? {
                        return Some(());
                    }
                }
            }
            b'-' => {
                self.take(1)?;
                self.number().map(drop)
            }
            b'0'..=b'9' => self.number().map(drop),
            _ => ["true", "false", "null"].iter().find_map(|word| {
                self.rest = self.rest.strip_prefix(word)?;
                Some(())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = r#"{"action":"ENGINE_ADVANCE","actor":{"id":"prn_1","roles":["operator",[],{}],"type":"user"},"entryId":"ent_1","eventName":"StepStarted","eventType":"STATE_MUTATION","idempotencyKey":"ab","ledgerId":"led_1","payloads":[{"class":"standard","n":-10}],"recordVersion":"1.0","runId":"run_1","runSeq":12,"tenantId":"ten_1","usage":{"ok":true,"no":[false,null,0]}}"#;
    const ACT: &str = r#"{"entryId":"ent_1","eventType":"INCIDENT","ledgerId":"led_1","recordVersion":"1.0","résumé":"é","tenantId":"ten_1"}"#;

    fn parsed(bytes: &[u8]) -> Option<Identity<'_>> {
        serde_json::from_slice(bytes).ok()
    }

    /// Whatever is changed in an envelope: what is read here is what the parser reads.
    #[test]
    fn what_it_reads_is_what_a_parser_reads() {
        let (mut read, mut left) = (0, 0);
        for sample in [RUN, ACT] {
            assert!(identity(sample.as_bytes()).is_some(), "it reads what is canonical by itself");
            assert_eq!(identity(sample.as_bytes()), parsed(sample.as_bytes()));
            for place in 0..sample.len() {
                for byte in b"\"\\{}[]:,.-+0123 \n\x00\x1f\x7f\x80\xffaeEtfnu" {
                    let mut changed = sample.as_bytes().to_vec();
                    changed[place] = *byte;
                    let mut longer = sample.as_bytes().to_vec();
                    longer.insert(place, *byte);
                    for bytes in [&changed[..], &longer[..], &sample.as_bytes()[..place]] {
                        match identity(bytes) {
                            Some(found) => {
                                read += 1;
                                assert_eq!(Some(found), parsed(bytes), "{}", String::from_utf8_lossy(bytes));
                            }
                            None => left += 1,
                        }
                    }
                }
            }
        }
        assert!(read > 1_000 && left > 1_000, "{read} read, {left} left to the parser");
    }

    #[test]
    fn what_it_leaves_to_the_parser() {
        let with = |more: &str| RUN.replace(r#""runSeq":12"#, more);
        for text in [
            with(r#""runSeq":012"#),
            with(r#""runSeq":1.0"#),
            with(r#""runSeq":null"#),
            with(r#""runSeq":18446744073709551616"#),
            with(r#""runSeq":12,"runSeq":12"#),
            with(r#""runSeq":12,"entryId":"ent_2""#),
            with(r#""runSeq":12, "x":1"#),
            with(r#""runSeq":12,"x":"\u0041""#),
            with(&format!(r#""runSeq":12,"x":{}{}"#, "[".repeat(40), "]".repeat(40))),
            format!("{RUN} "),
            String::new(),
        ] {
            assert_eq!(identity(text.as_bytes()), None, "{text}");
        }
    }
}
