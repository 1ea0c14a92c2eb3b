//! The names of what lies in a backup: a closed list, so that nothing in one can name a place outside the folder it goes to.

use dvt_model::id::{BlobId, LedgerId, TenantId};
use std::path::PathBuf;

/// What a part of a backup is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// The control database.
    Control,
    /// A tenant's file.
    Tenant(TenantId),
    /// A sealed blob of a tenant.
    Blob(TenantId, BlobId),
    /// A signed checkpoint.
    Note(LedgerId),
    /// A small file of whoever keeps the store: a profile, public keys.
    Beside(String),
}

impl Name {
    /// Reads what [`Name::text`] gave, and nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "control.db" {
            return Some(Self::Control);
        }
        let (first, rest) = text.split_once('/')?;
        let name = match first {
            "tenants" => Self::Tenant(TenantId::parse_key(rest.strip_suffix(".db")?).ok()?),
            "blobs" => {
                let (tenant, blob) = rest.split_once('/')?;
                Self::Blob(TenantId::parse_key(tenant).ok()?, BlobId::parse_key(blob).ok()?)
            }
            "checkpoints" => Self::Note(LedgerId::parse_key(rest.strip_suffix(".note")?).ok()?),
            "beside" => Self::beside(rest)?,
            _ => return None,
        };
        // Ids may be written in more than one way; a name has one.
        (name.text() == text).then_some(name)
    }

    /// A file of whoever keeps the store: at most one folder, lowercase words, `.toml` or `.vkey`.
    pub(crate) fn beside(text: &str) -> Option<Self> {
        let word = |word: &str| {
            (1..=40).contains(&word.len())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let stem = text.strip_suffix(".toml").or_else(|| text.strip_suffix(".vkey"))?;
        let good = match stem.split_once('/') {
            Some((folder, name)) => word(folder) && word(name),
            None => word(stem),
        };
        good.then(|| Self::Beside(text.to_owned()))
    }

    /// As it is written.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Control => "control.db".to_owned(),
            Self::Tenant(tenant) => format!("tenants/{}.db", tenant.key()),
            Self::Blob(tenant, blob) => format!("blobs/{}/{}", tenant.key(), blob.key()),
            Self::Note(ledger) => format!("checkpoints/{}.note", ledger.key()),
            Self::Beside(text) => format!("beside/{text}"),
        }
    }

    /// Where it goes below the data folder; `None` for what does not belong there.
    pub(crate) fn place(&self) -> Option<PathBuf> {
        match self {
            Self::Beside(_) => None,
            Self::Control | Self::Tenant(_) | Self::Blob(..) | Self::Note(_) => {
                Some(PathBuf::from(self.text()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_no_other_text_is_one() {
        let (tenant, blob) = (TenantId::from_random([1; 16]), BlobId::from_random([2; 16]));
        let ledger = LedgerId::from_random([3; 16]);
        for name in [
            Name::Control,
            Name::Tenant(tenant),
            Name::Blob(tenant, blob),
            Name::Note(ledger),
            Name::beside("profile.toml").unwrap(),
            Name::beside("profiles/a-1.vkey").unwrap(),
        ] {
            assert_eq!(Name::parse(&name.text()), Some(name));
        }
        for wrong in [
            "",
            "control.db/",
            "/control.db",
            "./control.db",
            "../control.db",
            "tenants/../control.db",
            "tenants/x.db",
            "beside/../key",
            "beside/key",
            "beside/a/b/c.toml",
            "beside/.toml",
            "beside//a.toml",
            "beside/A.toml",
            "internal.log",
        ] {
            assert_eq!(Name::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Name::parse(&Name::Tenant(tenant).text().to_uppercase()), None);
    }
}
