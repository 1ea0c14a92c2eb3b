//! How long the offline verifier takes over a large ledger.

use super::writers::{House, Turn};
use dvt_ledger::verify::result::Status;
use dvt_model::time::Timestamp;
use dvt_store::verify::LedgerFile;
use std::time::Instant;

/// Writers that fill the ledger.
const WRITERS: usize = 64;

/// Fills the ledger up to `entries`, `each` in a block, and seals it.
pub async fn fill(house: &House, entries: u64, each: u64) -> Result<(), String> {
    let mut waiting = Vec::new();
    let share = entries / WRITERS as u64 / each;
    for _ in 0..WRITERS {
        let (here, mut turn): (House, Turn) = (house.clone(), house.admit().await?);
        waiting.push(tokio::spawn(async move {
            for _ in 0..share {
                here.append(&mut turn, each).await?;
            }
            Ok::<_, String>(())
        }));
    }
    for writer in waiting {
        writer.await.map_err(|error| error.to_string())??;
    }
    house.store.seal(house.drafts.ids.tenant_id).await.map_err(|error| error.to_string())?;
    Ok(())
}

/// Entries and seconds of a verification with public keys; anything but VALID is an error.
pub async fn verify(house: &House) -> Result<(u64, f64), String> {
    let keys =
        house.store.verifier_keys(house.drafts.ids.tenant_id).await.map_err(|error| error.to_string())?;
    let file = LedgerFile::open(&house.file()).map_err(|error| error.to_string())?;
    let begun = Instant::now();
    let result = dvt_ledger::verify::verify(&file, &keys, None, &|| Timestamp::from_ms(0));
    let seconds = begun.elapsed().as_secs_f64();
    if result.status != Status::Valid {
        return Err(format!("the ledger is {:?}: {:?}", result.status, result.findings.first()));
    }
    Ok((result.entries_checked, seconds))
}
