//! INV-03, class 24: an older copy is noticed where a newer checkpoint is known outside the database.

use crate::support::*;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::verify::result::Status;
use dvt_model::code::Code;
use dvt_store::port::transaction::Kind;
use dvt_store::verify::LedgerFile;
use dvt_store::{Error, Store, known};
use std::path::PathBuf;

fn note(house: &House) -> PathBuf {
    known::folder(house.folder.path()).join(format!("{}.note", house.ledger.key()))
}

async fn write_on(house: &House, entries: usize) {
    for _ in 0..entries {
        house.enter(house.an_act()).await.unwrap();
    }
    house.store.seal(house.ids.tenant_id).await.unwrap();
}

fn opened(house: &House, elsewhere: Option<PathBuf>) -> Result<Store, Error> {
    let options = options(house.folder.path(), house.clock.clone());
    let store = Store::open_known(options, root_key(house.folder.path()), elsewhere)?;
    store.begin(&house.scope, Kind::Act).map(|_| store)
}

#[track_caller]
fn refused(house: &House) {
    let before = std::fs::read(house.path()).unwrap();
    let error = opened(house, None).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Code::LedgerIntegrityFailed);
    assert!(error.to_string().contains("class 24"), "{error}");
    assert_eq!(std::fs::read(house.path()).unwrap(), before, "it was written to");
}

#[tokio::test]
async fn an_older_copy_is_refused() {
    let house = House::new().await;
    write_on(&house, 3).await;
    let house = {
        house.store.close().await.unwrap();
        House { store: house.second(), ..house }
    };
    house.store.close().await.unwrap();
    let older = std::fs::read(house.path()).unwrap();
    let house = House { store: house.second(), ..house };
    write_on(&house, 3).await;
    let keys = house.store.verifier_keys(house.ids.tenant_id).await.unwrap();
    house.store.close().await.unwrap();
    let newer = std::fs::read(house.path()).unwrap();
    let text = std::fs::read_to_string(note(&house)).unwrap();
    let (signed, _) = Checkpoint::open(&text, &keys).unwrap();

    std::fs::write(house.path(), &older).unwrap();
    refused(&house);
    // The verifier places it from the same note.
    let anchor = known::newest(&[known::folder(house.folder.path())], house.ledger, &keys).unwrap().unwrap();
    assert_eq!(anchor.checkpoint, signed);
    let file = LedgerFile::open(&house.path()).unwrap();
    let clock = house.clock.clone();
    let result = dvt_ledger::verify::verify(&file, &keys, Some(&anchor.checkpoint), &move || clock());
    assert!(result.anchored && result.status == Status::Invalid);
    assert!(result.findings.iter().any(|finding| finding.class == 24), "{:?}", result.findings);
    drop(file);

    // Written on by somebody who took the note away meanwhile, it is another history of the same length.
    std::fs::remove_file(note(&house)).unwrap();
    let house =
        House { store: opened(&house, None).expect("control: without the note nothing tells"), ..house };
    write_on(&house, 5).await;
    house.store.close().await.unwrap();
    std::fs::write(note(&house), &text).unwrap();
    refused(&house);

    std::fs::write(house.path(), &newer).unwrap();
    opened(&house, None).expect("control: the newer file opens");
}

#[tokio::test]
async fn a_note_follows_each_seal_and_never_leads() {
    let house = House::new().await;
    for _ in 0..4 {
        write_on(&house, 2).await;
        let keys = house.store.verifier_keys(house.ids.tenant_id).await.unwrap();
        let (signed, _) = Checkpoint::open(&std::fs::read_to_string(note(&house)).unwrap(), &keys).unwrap();
        let raw = house.raw();
        let sealed: i64 = raw.query_row("SELECT sealed_size FROM ledger_head", [], |row| row.get(0)).unwrap();
        assert_eq!(signed.size, sealed as u64);
    }
    let leftovers = std::fs::read_dir(known::folder(house.folder.path())).unwrap();
    assert!(
        leftovers
            .map(|entry| entry.unwrap().file_name())
            .all(|name| !name.to_string_lossy().starts_with('.'))
    );
}

#[tokio::test]
async fn a_note_is_believed_or_refused() {
    let house = House::new().await;
    write_on(&house, 3).await;
    let other = House::new().await;
    write_on(&other, 30).await;
    house.store.close().await.unwrap();
    let good = std::fs::read(note(&house)).unwrap();
    let mut forged = good.clone();
    forged[60] ^= 1;
    for wrong in [b"text".to_vec(), forged, good[..40].to_vec(), std::fs::read(note(&other)).unwrap()] {
        std::fs::write(note(&house), &wrong).unwrap();
        assert_eq!(opened(&house, None).map(|_| ()).unwrap_err().code(), Code::LedgerIntegrityFailed);
    }
    // What a power cut can leave of one.
    for torn in [Vec::new(), vec![0; 300]] {
        std::fs::write(note(&house), torn).unwrap();
        opened(&house, None).unwrap();
    }
    std::fs::write(note(&house), good).unwrap();
    opened(&house, None).expect("control: as it was");
}

/// The whole data folder is copied back, notes and all: a second place still knows.
#[tokio::test]
async fn a_second_place_knows_what_the_data_folder_forgot() {
    let house = House::new().await;
    house.store.close().await.unwrap();
    let place = tempfile::tempdir().unwrap();
    let elsewhere = Some(place.path().join("checkpoints"));
    let house = House { store: opened(&house, elsewhere.clone()).unwrap(), ..house };
    write_on(&house, 2).await;
    house.store.close().await.unwrap();
    let (older, older_note) = (std::fs::read(house.path()).unwrap(), std::fs::read(note(&house)).unwrap());
    let house = House { store: opened(&house, elsewhere.clone()).unwrap(), ..house };
    write_on(&house, 2).await;
    house.store.close().await.unwrap();
    std::fs::write(house.path(), older).unwrap();
    std::fs::write(note(&house), older_note).unwrap();
    assert!(opened(&house, None).is_ok(), "control: the data folder alone forgot");
    assert_eq!(opened(&house, elsewhere).map(|_| ()).unwrap_err().code(), Code::LedgerIntegrityFailed);
}

/// A file that is looked at while another process seals is no older copy of itself, whichever of the two is read first.
#[test]
fn a_look_beside_a_seal_is_no_older_copy() {
    const OPENINGS: usize = 60;
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let writing = runtime();
    let house = writing.block_on(House::new());
    let mut seals = 0;
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| {
            let closing = runtime();
            for _ in 0..OPENINGS {
                let store = opened(&house, None).unwrap();
                closing.block_on(store.close()).unwrap();
            }
        });
        while !opening.is_finished() {
            writing.block_on(write_on(&house, 1));
            seals += 1;
        }
        opening.join().unwrap();
    });
    println!("looked: {OPENINGS} openings beside {seals} seals, none refused");
    assert!(seals > 10, "{seals}");
}
