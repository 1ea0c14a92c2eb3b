//! Configuration writes: settings, and the end of a member's rights.

use super::{Case, Foreign, Repeat, Row, Stale};
use crate::house::{Do, House, probe, staged};
use dvt_model::code::Code;
use dvt_model::entry::EventType;
use dvt_store::port::operation::{EndRights, EntryDraft, PutSetting, Rights};
use dvt_store::port::transaction::Kind;
use dvt_testkit::drafts::{Drafts, block, random};
use serde_json::{Value, json};

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row { name: "putSetting, the first", make: |house| Box::pin(first(house)), not: &[] },
        Row { name: "putSetting, a change", make: |house| Box::pin(change(house)), not: &[] },
        Row { name: "endRights", make: |house| Box::pin(end(house)), not: &[] },
    ]
}

fn entry(drafts: &Drafts) -> EntryDraft {
    let envelope = drafts.envelope(EventType::ConfigChanged, "SettingChanged");
    EntryDraft { envelope, payload: None }
}

fn setting(drafts: &Drafts, name: &str, expected_version: Option<u64>, value: Value) -> PutSetting {
    PutSetting {
        kind: "quota".to_owned(),
        name: name.to_owned(),
        expected_version,
        rights: drafts.rights,
        value,
        block: block(vec![entry(drafts)]),
    }
}

fn put(draft: PutSetting) -> Do {
    staged(Kind::Act, draft, |tx, draft| tx.put_setting(draft))
}

fn make(drafts: &Drafts, expected: Option<u64>, others: &[Option<u64>]) -> Case {
    let Rights::Of { principal, epoch } = drafts.rights else { panic!("the house rests on its member") };
    let mut wrong: Vec<_> = others
        .iter()
        .map(|other| ("rowVersion", put(setting(drafts, "runs", *other, json!(9))), Code::VersionConflict))
        .collect();
    let mut ended = setting(drafts, "runs", expected, json!(9));
    ended.rights = Rights::Of { principal, epoch: epoch + 1 };
    wrong.push(("principalEpoch", put(ended), Code::AuthzDenied));
    let unnamed = PutSetting { name: "a/b".to_owned(), ..setting(drafts, "runs", expected, json!(9)) };
    wrong.push(("a name", put(unnamed), Code::ContractViolation));
    Case {
        go: put(setting(drafts, "runs", expected, json!({ "most": 5 }))),
        foreign: Foreign::Refused,
        stale: Stale::Free,
        repeat: Repeat::SamePlace,
        effect: probe(|store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            let row = tx.setting("quota", "runs").await.unwrap();
            format!("{:?}", row.map(|row| (row.version, row.value)))
        }),
        changes: true,
        entries: 1,
        wrong,
    }
}

async fn first(house: &House) -> Case {
    make(&house.drafts, None, &[Some(1), Some(0)])
}

async fn change(house: &House) -> Case {
    for (expected, value) in [(None, json!(1)), (Some(1), json!(2))] {
        put(setting(&house.drafts, "runs", expected, value))(house.store.clone(), house.scope).await.unwrap();
    }
    make(&house.drafts, Some(2), &[None, Some(1), Some(3)])
}

async fn end(house: &House) -> Case {
    let drafts = &house.drafts;
    let Rights::Of { principal, epoch } = drafts.rights else { panic!("the house rests on its member") };
    let ending = |expected_epoch: u64, rights: Rights| {
        let draft = EndRights { principal, expected_epoch, rights, block: block(vec![entry(drafts)]) };
        staged(Kind::Act, draft, |tx, draft| tx.end_rights(draft))
    };
    let stranger = Rights::Of { principal: dvt_model::id::PrincipalId::from_random(random()), epoch };
    Case {
        go: ending(epoch, Rights::Nobody),
        foreign: Foreign::Refused,
        stale: Stale::Free,
        repeat: Repeat::SamePlace,
        effect: probe(|store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            format!("{:?}", tx.member_by_os_uid(1000).await.unwrap().map(|known| known.epoch))
        }),
        changes: true,
        entries: 1,
        wrong: vec![
            ("rowVersion(epoch), newer", ending(epoch + 1, Rights::Nobody), Code::VersionConflict),
            ("rowVersion(epoch), older", ending(epoch - 1, Rights::Nobody), Code::VersionConflict),
            ("principalEpoch", ending(epoch, stranger), Code::AuthzDenied),
        ],
    }
}
