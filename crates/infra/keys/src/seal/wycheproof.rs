//! Wycheproof AES-GCM through this module: 96-bit nonces, 256-bit keys and 128-bit tags are what DVT has.

use super::{Cipher, open, seal_with_nonce};
use crate::secret::Secret;
use dvt_model::digest::unhex;
use serde_json::Value;
use std::io::Read as _;

pub(crate) fn vectors(name: &str) -> Option<Value> {
    let Some(folder) = std::env::var_os("DVT_TEST_DATA") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "DVT_TEST_DATA is not set in CI");
        println!("skipped: DVT_TEST_DATA is not set");
        return None;
    };
    let file =
        std::fs::File::open(std::path::Path::new(&folder).join("crypto/wycheproof").join(name)).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn aes_gcm() {
    let Some(file) = vectors("aes_gcm_test.json.gz") else { return };
    let (mut valid, mut invalid, mut other_nonce, mut other_key) = (0, 0, 0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let tests = group["tests"].as_array().unwrap();
        assert_eq!(group["tagSize"], 128);
        if group["keySize"] != 256 {
            other_key += tests.len();
            continue;
        }
        if group["ivSize"] != 96 {
            other_nonce += tests.len();
            continue;
        }
        for test in tests {
            let field = |name: &str| unhex(test[name].as_str().unwrap()).unwrap();
            let secret = Secret::from_slice(&field("key")).unwrap();
            let sealed = [field("iv"), field("ct"), field("tag")].concat();
            let opened = open(&secret, &field("aad"), &sealed);
            if test["result"] == "valid" {
                assert_eq!(*opened.unwrap(), field("msg"), "{test}");
                let nonce = field("iv").try_into().unwrap();
                assert_eq!(
                    seal_with_nonce(&Cipher::new(&secret).unwrap(), nonce, &field("aad"), &field("msg"))
                        .unwrap(),
                    sealed,
                    "{test}"
                );
                valid += 1;
            } else {
                assert!(opened.is_err(), "{test}");
                invalid += 1;
            }
        }
    }
    println!(
        "Wycheproof AES-GCM: {valid} valid, {invalid} invalid; left out: {other_key} with keys of 128 and 192 bits, \
         {other_nonce} with nonces other than 96 bits"
    );
    assert_eq!((valid, invalid), (39, 27));
}

#[test]
fn hmac_sha256() {
    let Some(file) = vectors("hmac_sha256_test.json.gz") else { return };
    let (mut valid, mut invalid, mut short_tag, mut other_key) = (0, 0, 0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let tests = group["tests"].as_array().unwrap();
        if group["tagSize"] != 256 {
            short_tag += tests.len();
            continue;
        }
        if group["keySize"] != 256 {
            other_key += tests.len();
            continue;
        }
        for test in tests {
            let field = |name: &str| unhex(test[name].as_str().unwrap()).unwrap();
            let secret = Secret::from_slice(&field("key")).unwrap();
            let is_valid = test["result"] == "valid";
            assert_eq!(crate::mac::verify(&secret, &field("msg"), &field("tag")), is_valid, "{test}");
            assert_eq!(
                crate::mac::sign(&secret, &field("msg")).as_slice() == field("tag"),
                is_valid,
                "{test}"
            );
            *(if is_valid { &mut valid } else { &mut invalid }) += 1;
        }
    }
    println!(
        "Wycheproof HMAC-SHA-256: {valid} valid, {invalid} invalid; left out: {short_tag} with cut tags, {other_key} with \
         keys other than 256 bits"
    );
    assert_eq!((valid, invalid), (27, 54));
}
