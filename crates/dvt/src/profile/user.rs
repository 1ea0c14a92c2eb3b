//! The OS user of this process, by name, for people. Identity is the uid alone.

/// The name that `/etc/passwd` has for our uid, else `uid-<number>`.
pub(crate) fn name() -> String {
    let uid = rustix::process::geteuid().as_raw();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    of(&passwd, uid).unwrap_or_else(|| format!("uid-{uid}"))
}

fn of(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id == uid.to_string() && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_third_field_is_the_uid() {
        let passwd = "root:x:0:0::/root:/bin/sh\nana:x:1000:1000:Ana:/home/ana:/bin/sh\n";
        assert_eq!(super::of(passwd, 1000).as_deref(), Some("ana"));
        assert_eq!(super::of(passwd, 100), None);
    }
}
