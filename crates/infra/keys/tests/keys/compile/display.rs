//! No key has `Display`.

fn shown<T: std::fmt::Display>() {}

fn main() {
    shown::<dvt_keys::RootKey>();
    shown::<dvt_keys::AuditKek>();
    shown::<dvt_keys::TenantKeys>();
    shown::<dvt_keys::DataKey>();
    shown::<dvt_keys::MacKey>();
    shown::<dvt_keys::CheckpointSigner>();
}
