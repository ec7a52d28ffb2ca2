//! Tests of `sign`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::secret::Secret;

#[derive(serde::Deserialize)]
struct Vector {
    method: String,
    action: String,
    access_key_secret: String,
    query: std::collections::BTreeMap<String, String>,
    body: std::collections::BTreeMap<String, String>,
    string_to_sign: String,
    signature: String,
}

const COMMON: [&str; 9] = [
    "AccessKeyId",
    "Action",
    "Format",
    "SecurityToken",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

#[test]
fn the_vendors_vectors_are_signed_alike() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../../tests/golden/signature-vectors.json")).unwrap();
    assert_eq!(vectors.len(), 10);
    for vector in vectors {
        let method = match vector.method.as_str() {
            "GET" => Method::Get,
            _ => Method::Post,
        };
        let own = |map: &std::collections::BTreeMap<String, String>| {
            map.iter()
                .filter(|(name, _)| !COMMON.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        let request =
            Request { action: vector.action.clone(), method, query: own(&vector.query), body: own(&vector.body) };
        let credentials = Credentials {
            access_key_id: "testid".into(),
            secret: Secret::new(vector.access_key_secret),
            security_token: vector.query.get("SecurityToken").map(Secret::new),
        };
        let stamp =
            Stamp { nonce: vector.query["SignatureNonce"].clone(), time: vector.query["Timestamp"].parse().unwrap() };
        let signed = sign(&request, &credentials, None, &stamp);
        assert_eq!(signed.string_to_sign, vector.string_to_sign, "{}", vector.action);
        let tail = format!("&Signature={}", percent(&vector.signature));
        assert!(signed.query.ends_with(&tail), "{}", vector.action);
    }
}

#[test]
fn a_configured_region_is_sent_unless_the_operation_has_its_own() {
    let credentials =
        Credentials { access_key_id: "testid".into(), secret: Secret::new("testsecret"), security_token: None };
    let mut request = Request { action: "CreateCluster".into(), method: Method::Post, query: vec![], body: vec![] };
    let stamp = Stamp::now(jiff::SignedDuration::ZERO);
    let sent = |request: &Request| sign(request, &credentials, Some("cn-x"), &stamp).query;
    assert!(sent(&request).contains("&RegionId=cn-x&"));
    request.query.push(("RegionId".into(), "cn-y".into()));
    assert!(sent(&request).contains("&RegionId=cn-y&"));
    assert!(!sent(&request).contains("cn-x"));
}
