use dvt_model::scope::TenantScope;

fn main() {
    let _scope: TenantScope = serde_json::from_str("{}").unwrap();
}
