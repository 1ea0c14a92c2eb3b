//! The columns: what can happen to an operation, asked of each in the same way.

use crate::backend::Backend;
use crate::house::{Answer, Do, House, Probe};
use crate::rows::{Case, Foreign, Repeat, Row, Stale};
use dvt_model::code::Code;
use dvt_store::port::operation::{AppendAct, Rights};
use dvt_store::port::transaction::Kind;

/// A column of the matrix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Column {
    Works,
    Foreign,
    Repeated,
    StaleLease,
    NotPersisted,
    AnswerLost,
    Twin,
    FailsAlone,
    FailsMerged,
    TwiceFirst,
    TwiceMiddle,
    TwiceLast,
}

impl Column {
    pub(crate) const ALL: [Self; 12] = [
        Self::Works,
        Self::Foreign,
        Self::Repeated,
        Self::StaleLease,
        Self::NotPersisted,
        Self::AnswerLost,
        Self::Twin,
        Self::FailsAlone,
        Self::FailsMerged,
        Self::TwiceFirst,
        Self::TwiceMiddle,
        Self::TwiceLast,
    ];

    pub(crate) fn head(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Foreign => "foreign scope",
            Self::Repeated => "repeated",
            Self::StaleLease => "stale lease",
            Self::NotPersisted => "not persisted",
            Self::AnswerLost => "answer lost",
            Self::Twin => "with its twin",
            Self::FailsAlone => "fails alone",
            Self::FailsMerged => "fails merged",
            Self::TwiceFirst => "twice, first",
            Self::TwiceMiddle => "twice, middle",
            Self::TwiceLast => "twice, last",
        }
    }
}

/// A fresh house and the case of the row in it.
async fn fresh(backend: &dyn Backend, row: &Row) -> (House, Case) {
    let house = House::new(backend.install()).await;
    let case = (row.make)(&house).await;
    (house, case)
}

async fn go(house: &House, go: &Do) -> Result<Answer, Code> {
    go(house.store.clone(), house.scope).await
}

async fn seen(house: &House, probe: &Probe) -> String {
    probe(house.store.clone(), house.scope).await
}

/// What asking once more must give, `first` being what it gave the first time.
fn judge_repeat(repeat: Repeat, first: &Answer, again: &Result<Answer, Code>, name: &str) {
    match (repeat, first, again) {
        (Repeat::SamePlace, Answer::Stage(first), Ok(Answer::Stage(again))) => {
            assert!(
                again.already && again.first_index == first.first_index,
                "{name}: {first:?}, then {again:?}"
            );
        }
        (Repeat::SameAnswer, first, Ok(again)) => assert_eq!(first, again, "{name}"),
        (Repeat::Harmless, _, Ok(_)) => {}
        (Repeat::Refused(code), _, Err(again)) => assert_eq!(code, *again, "{name}"),
        (repeat, first, again) => panic!("{name}: {repeat:?} was promised, {first:?} came, then {again:?}"),
    }
}

/// Runs a cell; gives how many cases it was.
pub(crate) async fn run(backend: &dyn Backend, row: &Row, column: Column) -> u64 {
    let name = format!("{} · {} · {}", backend.name(), row.name, column.head());
    let (house, case) = fresh(backend, row).await;
    let before = seen(&house, &case.effect).await;
    match column {
        Column::Works => {
            let answer = go(&house, &case.go).await;
            assert!(matches!(answer, Ok(Answer::Stage(_) | Answer::Value(_))), "{name}: {answer:?}");
            let after = seen(&house, &case.effect).await;
            assert_eq!(case.changes, before != after, "{name}: {before} -> {after}");
            let house = house.again().await;
            assert_eq!(seen(&house, &case.effect).await, after, "{name}: not there after a restart");
            house.verified().await;
            1
        }
        Column::Foreign => {
            for scope in [house.other, house.sibling] {
                let answer = (case.go)(house.store.clone(), scope).await;
                match case.foreign {
                    Foreign::Refused => assert!(answer.is_err(), "{name}: {answer:?}"),
                    Foreign::Nothing => assert!(
                        matches!(answer, Ok(Answer::Nothing) | Err(Code::NotFound)),
                        "{name}: {answer:?}"
                    ),
                    Foreign::ItsOwn => assert!(answer.is_ok(), "{name}: {answer:?}"),
                }
                assert_eq!(seen(&house, &case.effect).await, before, "{name}: something changed");
            }
            // The control: under its own scope the very same one works.
            assert!(go(&house, &case.go).await.is_ok(), "{name}");
            2
        }
        Column::Repeated => {
            let first = go(&house, &case.go).await.unwrap();
            let after = seen(&house, &case.effect).await;
            for _ in 0..2 {
                judge_repeat(case.repeat, &first, &go(&house, &case.go).await, &name);
                assert_eq!(seen(&house, &case.effect).await, after, "{name}: done twice");
            }
            let house = house.again().await;
            judge_repeat(case.repeat, &first, &go(&house, &case.go).await, &name);
            assert_eq!(seen(&house, &case.effect).await, after, "{name}: done twice after a restart");
            1
        }
        Column::StaleLease => {
            house.store.claim(house.scope.tenant(), 2).await.unwrap();
            let answer = go(&house, &case.go).await;
            match case.stale {
                Stale::Fenced => {
                    assert_eq!(answer, Err(Code::LeaseLost), "{name}");
                    assert_eq!(seen(&house, &case.effect).await, before, "{name}: something changed");
                }
                Stale::Free => assert!(answer.is_ok(), "{name}: {answer:?}"),
            }
            1
        }
        Column::NotPersisted => {
            house.place.lose_next_commit();
            let answer = go(&house, &case.go).await;
            assert!(answer.is_err(), "{name}: a commit that failed was acknowledged: {answer:?}");
            assert_eq!(answer.map(|_| ()), Err(Code::LedgerUnavailable), "{name}");
            assert_eq!(seen(&house, &case.effect).await, before, "{name}: something stayed");
            // The service resumes, and the same stage goes in once.
            let first = go(&house, &case.go).await.unwrap();
            if let Answer::Stage(committed) = &first {
                assert!(!committed.already, "{name}");
            }
            let after = seen(&house, &case.effect).await;
            let house = house.again().await;
            assert_eq!(seen(&house, &case.effect).await, after, "{name}: not there after a restart");
            assert_eq!(case.changes, after != before, "{name}");
            house.verified().await;
            1
        }
        Column::AnswerLost => {
            // What it looks like where the answer comes.
            let (told, same) = fresh(backend, row).await;
            go(&told, &same.go).await.unwrap();
            let grows = told.size().await;
            let unharmed = house.size().await;
            house.place.lose_next_answer();
            let answer = go(&house, &case.go).await;
            assert_eq!(answer.map(|_| ()), Err(Code::LedgerUnavailable), "{name}");
            let house = house.survived().await;
            let after = seen(&house, &case.effect).await;
            assert_eq!(case.changes, before != after, "{name}: {before} -> {after}: it did not survive");
            let again = go(&house, &case.go).await;
            match (case.repeat, again) {
                (Repeat::SamePlace, Ok(Answer::Stage(again))) => assert!(again.already, "{name}: doubled"),
                (Repeat::SameAnswer | Repeat::Harmless, Ok(_)) => {}
                (Repeat::Refused(code), Err(again)) => assert_eq!(code, again, "{name}"),
                (repeat, again) => panic!("{name}: {repeat:?} was promised, {again:?} came"),
            }
            assert_eq!(seen(&house, &case.effect).await, after, "{name}: done twice");
            let size = house.size().await;
            assert!(size >= unharmed && size <= grows, "{name}: {unharmed} -> {size}, {grows} are right");
            1
        }
        Column::Twin => {
            let one = tokio::spawn((case.go)(house.store.clone(), house.scope));
            let two = tokio::spawn((case.go)(house.store.clone(), house.scope));
            let (one, two) = (one.await.unwrap(), two.await.unwrap());
            once(case.repeat, &[one, two], &name);
            let after = seen(&house, &case.effect).await;
            assert_eq!(case.changes, before != after, "{name}");
            let (alone, same) = fresh(backend, row).await;
            go(&alone, &same.go).await.unwrap();
            assert_eq!(house.size().await, alone.size().await, "{name}: done twice");
            1
        }
        Column::FailsAlone => {
            for (what, wrong, code) in &case.wrong {
                let answer = go(&house, wrong).await;
                assert_eq!(answer.map(|_| ()), Err(*code), "{name}: {what}");
                assert_eq!(seen(&house, &case.effect).await, before, "{name}: {what}: something changed");
            }
            // The control: with its preconditions right the same one works.
            assert!(go(&house, &case.go).await.is_ok(), "{name}");
            case.wrong.len() as u64
        }
        Column::FailsMerged => {
            for (what, wrong, code) in &case.wrong {
                let answers = merged(&house, &[None, Some(wrong), None, None]).await;
                for (place, answer) in answers.iter().enumerate() {
                    match place {
                        1 => assert_eq!(answer.as_ref().map(|_| ()), Err(code), "{name}: {what}"),
                        _ => assert!(answer.is_ok(), "{name}: {what}: a neighbour suffered: {answer:?}"),
                    }
                }
                assert_eq!(seen(&house, &case.effect).await, before, "{name}: {what}: something changed");
            }
            case.wrong.len() as u64
        }
        Column::TwiceFirst => twice(&house, &case, &before, &name, [true, true, false, false, false]).await,
        Column::TwiceMiddle => twice(&house, &case, &before, &name, [false, true, false, true, false]).await,
        Column::TwiceLast => twice(&house, &case, &before, &name, [false, false, false, true, true]).await,
    }
}

/// Of the same operation asked several times at once exactly one is done.
fn once(repeat: Repeat, answers: &[Result<Answer, Code>], name: &str) {
    let fresh = |answer: &Result<Answer, Code>| match answer {
        Ok(Answer::Stage(committed)) => !committed.already,
        Ok(_) => true,
        Err(_) => false,
    };
    let done = answers.iter().filter(|answer| fresh(answer)).count();
    match repeat {
        Repeat::SamePlace => {
            let places: std::collections::BTreeSet<_> = answers
                .iter()
                .map(|answer| match answer {
                    Ok(Answer::Stage(committed)) => committed.first_index,
                    other => panic!("{name}: {other:?}"),
                })
                .collect();
            assert_eq!((done, places.len()), (1, 1), "{name}: {answers:?}");
        }
        Repeat::SameAnswer | Repeat::Harmless => assert_eq!(done, answers.len(), "{name}: {answers:?}"),
        Repeat::Refused(code) => {
            assert_eq!(done, 1, "{name}: {answers:?}");
            let refused = answers.iter().filter(|answer| **answer == Err(code)).count();
            assert_eq!(refused, answers.len() - 1, "{name}: {answers:?}");
        }
    }
}

async fn twice(house: &House, case: &Case, before: &str, name: &str, places: [bool; 5]) -> u64 {
    let size = house.size().await;
    let stages: Vec<Option<&Do>> = places.iter().map(|same| same.then_some(&case.go)).collect();
    let answers = merged(house, &stages).await;
    // The one that took the committer away is an entry besides.
    let (mut same, mut neighbours) = (Vec::new(), 1);
    for (answer, is_same) in answers.into_iter().zip(places) {
        if is_same {
            same.push(answer);
        } else {
            assert!(answer.is_ok(), "{name}: a neighbour suffered: {answer:?}");
            neighbours += 1;
        }
    }
    once(case.repeat, &same, name);
    let after = seen(house, &case.effect).await;
    assert_eq!(case.changes, before != after, "{name}");
    let grown = house.size().await - size;
    assert!(grown >= neighbours && grown <= neighbours + case.entries, "{name}: {grown} entries came");
    1
}

/// Puts operations into one transaction of the committer, in this order; `None` stands for an act that is right.
async fn merged(house: &House, stages: &[Option<&Do>]) -> Vec<Result<Answer, Code>> {
    let tenant = house.scope.tenant();
    let put = || house.store.counts(tenant).unwrap().put;
    house.place.hold_commits();
    // The first one takes the committer away, so that the others wait together.
    let start = put();
    let blocking = tokio::spawn(good(house)(house.store.clone(), house.scope));
    while put() == start {
        tokio::task::yield_now().await;
    }
    let groups = house.store.counts(tenant).unwrap();
    let mut waiting = Vec::new();
    for stage in stages {
        let (before, own) = (put(), good(house));
        let task = tokio::spawn(stage.unwrap_or(&own)(house.store.clone(), house.scope));
        // Those that are refused before the lock never come to it.
        while put() == before && !task.is_finished() {
            tokio::task::yield_now().await;
        }
        waiting.push(task);
    }
    let together = put() - start - 1;
    house.place.release_commits();
    blocking.await.unwrap().unwrap();
    let mut answers = Vec::new();
    for task in waiting {
        answers.push(task.await.unwrap());
    }
    let after = house.store.counts(tenant).unwrap();
    assert!(after.pieces >= groups.pieces + together, "{groups:?} {after:?}");
    assert!(after.most_pieces >= together.min(2), "they were not merged: {after:?}");
    answers
}

/// An act that is right whatever happens to its neighbours, the end of rights among it.
fn good(house: &House) -> Do {
    let act = AppendAct { rights: Rights::Nobody, ..house.drafts.act(None) };
    crate::house::staged(Kind::Act, act, |tx, act| tx.append_act(act))
}
