//! INV-08: neither a store nor a transaction shows its connection, and the modules that have one are private.
use dvt_store::Store;
use dvt_store::port::transaction::TenantTx;

fn connection(store: &Store, tx: &TenantTx) {
    let _ = &store.inner;
    let _ = &tx.reader;
    let _ = dvt_store::sqlite::connect::connect;
}

fn main() {}
