//! RFC 6962 proofs, Wycheproof and CCTV Ed25519 through our own wrappers.

use crate::data;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dvt_ledger::Hash;
use dvt_ledger::proof::{verify_consistency, verify_inclusion};
use dvt_ledger::verifier_key::check;
use dvt_model::digest::unhex;
use serde_json::Value;
use std::collections::BTreeMap;

fn hash(value: &Value) -> Option<Hash> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}

/// The proof, unless one of its hashes is no hash: our types cannot hold such a one, which is a refusal.
fn proof(case: &Value) -> Option<Vec<Hash>> {
    case["proof"].as_array().map_or(Some(Vec::new()), |hashes| hashes.iter().map(hash).collect())
}

fn inclusion(case: &Value) -> Option<bool> {
    let (leaf, root, proof) = (hash(&case["leafHash"])?, hash(&case["root"])?, proof(case)?);
    Some(verify_inclusion(&leaf, case["leafIdx"].as_u64()?, case["treeSize"].as_u64()?, &proof, &root))
}

fn consistency(case: &Value) -> Option<bool> {
    let (first, second, proof) = (hash(&case["root1"])?, hash(&case["root2"])?, proof(case)?);
    Some(verify_consistency(case["size1"].as_u64()?, &first, case["size2"].as_u64()?, &second, &proof))
}

#[test]
fn rfc_6962_vectors() {
    let Some(folder) = data::folder() else { return };
    let lines = std::fs::read_to_string(folder.join("tlog/merkle_rfc6962_vectors.jsonl")).unwrap();
    let (mut counts, mut left_out) = (BTreeMap::new(), BTreeMap::new());
    for line in lines.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let (kind, case) = (vector["kind"].as_str().unwrap(), &vector["case"]);
        let answer = match kind {
            "inclusion" => inclusion(case),
            "consistency" => consistency(case),
            other => {
                *left_out.entry(other.to_owned()).or_insert(0u32) += 1;
                continue;
            }
        };
        let refused = case["wantErr"].as_bool().unwrap();
        assert_eq!(answer.unwrap_or(false), !refused, "{line}");
        *counts.entry((kind.to_owned(), if refused { "refused" } else { "holds" })).or_insert(0u32) += 1;
    }
    println!("RFC 6962: {counts:?}; left out, for DVT makes no subtree proofs: {left_out:?}");
    assert!(counts.len() == 4 && counts.values().sum::<u32>() == 96, "{counts:?}");
}

#[test]
fn wycheproof_ed25519() {
    let Some(file) = data::json_gz("crypto/wycheproof/ed25519_test.json.gz") else { return };
    let mut counts = BTreeMap::new();
    for group in file["testGroups"].as_array().unwrap() {
        let key = unhex(group["publicKey"]["pk"].as_str().unwrap()).unwrap();
        for test in group["tests"].as_array().unwrap() {
            let field = |name: &str| unhex(test[name].as_str().unwrap()).unwrap();
            let result = test["result"].as_str().unwrap();
            assert_eq!(check(&key, &field("msg"), &field("sig")), result == "valid", "{test}");
            *counts.entry(result.to_owned()).or_insert(0u32) += 1;
        }
    }
    println!("Wycheproof Ed25519: {counts:?}");
    assert_eq!(counts.values().sum::<u32>(), 151);
}

/// The policy: RFC 8032 without cofactor, `R` compared as bytes, the key in its canonical spelling. So a signature holds
/// unless it has a residue of low order, or `R` or the key in another spelling (or hashed as if they were not).
#[test]
fn cctv_ed25519_edge_cases_follow_one_rule() {
    let Some(file) = data::json_gz("crypto/cctv/ed25519vectors.json.gz") else { return };
    let mut counts = BTreeMap::new();
    for vector in file.as_array().unwrap() {
        let field = |name: &str| unhex(vector[name].as_str().unwrap()).unwrap();
        let message = vector["msg"].as_str().unwrap().as_bytes();
        let flags: Vec<&str> = vector["flags"]
            .as_array()
            .map_or(Vec::new(), |flags| flags.iter().filter_map(Value::as_str).collect());
        let is_refused = ["low_order_residue", "non_canonical_R", "non_canonical_A", "reencoded_k"]
            .iter()
            .any(|flag| flags.contains(flag));
        assert_eq!(check(&field("key"), message, &field("sig")), !is_refused, "{vector}");
        *counts.entry(if is_refused { "refused" } else { "holds" }).or_insert(0u32) += 1;
    }
    println!("CCTV Ed25519: {counts:?}");
    assert_eq!(counts.values().sum::<u32>(), 914);
}
