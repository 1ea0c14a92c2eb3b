//! The engine's lease, its claim of a tenant, and the sealing of checkpoints.

use super::{Case, Foreign, Repeat, Row, Stale};
use crate::columns::Column;
use crate::house::{Answer, House, code, operation, probe, refused};
use dvt_model::code::Code;
use dvt_store::port::lease::Holder;
use dvt_store::port::transaction::Kind;

const NO_TENANT: &str = "the lease belongs to no tenant";
const ONE_STATEMENT: &str =
    "the lease is one conditional statement of the control database; it shares no transaction";

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "acquireEngineLease",
            make: |house| Box::pin(lease(house)),
            not: &[
                (Column::Foreign, NO_TENANT),
                (Column::StaleLease, "it is the lease: who has a stale one asks as everybody does"),
                (Column::FailsMerged, ONE_STATEMENT),
                (Column::TwiceFirst, ONE_STATEMENT),
                (Column::TwiceMiddle, ONE_STATEMENT),
                (Column::TwiceLast, ONE_STATEMENT),
            ],
        },
        Row {
            name: "claim of a tenant",
            make: |house| Box::pin(claim(house)),
            not: &[(
                Column::Foreign,
                "it names the tenant and nothing in it; who has the lease claims them all",
            )],
        },
        Row {
            name: "seal",
            make: |house| Box::pin(seal(house)),
            not: &[
                (Column::Foreign, "it names the tenant and nothing in it"),
                (Column::StaleLease, "checkpoints are of entries that stand, whoever made them"),
                (
                    Column::FailsAlone,
                    "that the head stands where it was read: shown by two processes that seal at once",
                ),
                (Column::FailsMerged, "as before"),
                (
                    Column::TwiceFirst,
                    "one sealing at a time in a process: the second waits and finds nothing",
                ),
                (Column::TwiceMiddle, "as before"),
                (Column::TwiceLast, "as before"),
            ],
        },
    ]
}

async fn lease(_: &House) -> Case {
    let take = |pid: u32, seen: bool| {
        operation(move |store, _| async move {
            let holder = Holder { pid, pid_start: 7, address: "/run/a.sock".to_owned() };
            let other = Holder { pid: 99, ..holder.clone() };
            let table = store.lease();
            let row = seen.then(|| dvt_store::port::lease::Row {
                holder: other,
                epoch: 5,
                expires_at: dvt_model::time::Timestamp::from_ms(0),
            });
            match table.take(row.as_ref(), &holder).map_err(code)? {
                Some(row) => Ok(Answer::Value(row.epoch.to_string())),
                None => Err(Code::LeaseLost),
            }
        })
    };
    Case {
        go: take(1, false),
        foreign: Foreign::Refused,
        stale: Stale::Free,
        repeat: Repeat::Refused(Code::LeaseLost),
        effect: probe(|store, _| async move {
            format!("{:?}", store.lease().read().unwrap().map(|row| (row.holder, row.epoch)))
        }),
        changes: true,
        entries: 0,
        wrong: vec![("the row that was seen", take(1, true), Code::LeaseLost)],
    }
}

async fn claim(house: &House) -> Case {
    let run = house.run().await;
    let claim = |epoch: u64| {
        operation(move |store, scope| async move {
            store.claim(scope.tenant(), epoch).await.map_err(refused)?;
            Ok(Answer::Value("claimed".to_owned()))
        })
    };
    let drafts = house.drafts.clone();
    Case {
        go: claim(3),
        foreign: Foreign::ItsOwn,
        stale: Stale::Free,
        repeat: Repeat::Harmless,
        // Whether the epoch of before may still write: the refusal of a stage that is wrong by its state besides.
        effect: probe(move |store, scope| {
            let drafts = drafts.clone();
            async move {
                let mut tx = store.begin(&scope, Kind::Engine).unwrap();
                let mut draft = drafts.append(run, 2, serde_json::json!({}));
                // Without an event its state may not change, which is found after the epoch was judged.
                draft.block.entries = vec![drafts.decision(None)];
                draft.status = dvt_model::run::RunStatus::Paused;
                tx.append_run(draft);
                format!("{:?}", tx.commit().await.unwrap_err().code())
            }
        }),
        changes: true,
        entries: 0,
        wrong: vec![("the epoch only rises", claim(0), Code::LeaseLost)],
    }
}

async fn seal(_: &House) -> Case {
    Case {
        go: operation(|store, scope| async move {
            let sealed = store.seal(scope.tenant()).await.map_err(code)?;
            Ok(Answer::Value(if sealed.is_some() { "sealed" } else { "nothing to seal" }.to_owned()))
        }),
        foreign: Foreign::ItsOwn,
        stale: Stale::Free,
        repeat: Repeat::Harmless,
        effect: probe(|store, scope| async move {
            let tx = store.begin(&scope, Kind::Act).unwrap();
            format!("{}", tx.sealed_size().await.unwrap())
        }),
        changes: true,
        entries: 0,
        wrong: Vec::new(),
    }
}
