//! The gateway against outside vectors, tables of wrong requests, and arbitrary bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Mutex;

use hyper::Request;
use hyper::body::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use serde::Deserialize;

use super::{Nonces, Rejection, decode, receive, verify};
use crate::catalogue;
use crate::encoding::percent;
use crate::secret::Secret;
use crate::sim::Key;
use crate::wire::sign;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const NOW: &str = "2026-01-01T00:00:00Z";

fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request<Bytes> {
    let builder = headers.iter().fold(Request::builder().method(method).uri(uri), |b, (n, v)| b.header(*n, *v));
    builder.body(body.into()).unwrap()
}

fn keys() -> Vec<Key> {
    let token = |token: &str| Some(Secret::new(token));
    vec![
        Key::new("testid", "testsecret"),
        Key { inactive: true, ..Key::new("inactive", "testsecret") },
        Key { read_only: true, ..Key::new("reader", "testsecret") },
        Key { token: token("fake-token"), ..Key::new("temporary", "testsecret") },
        Key { token: token("fake-other-token"), ..Key::new("other", "testsecret") },
    ]
}

fn check_at(request: &Request<Bytes>, keys: &[Key], now: &str, nonces: &Mutex<Nonces>) -> Result<(), Rejection> {
    let received = receive(request)?;
    let is_known = |action: &str| catalogue::find(action).is_some_and(|op| op.action == action) || action == "Recorded";
    verify(&received, is_known, keys, nonces, now.parse().unwrap())?;
    match catalogue::find(received.action()) {
        Some(operation) => decode(operation, &received).map(drop),
        None => Ok(()),
    }
}

fn check(request: &Request<Bytes>) -> Result<(), Rejection> {
    check_at(request, &keys(), NOW, &Mutex::default())
}

/// The form of parameters with their signature.
fn signed(method: &str, params: &BTreeMap<&str, &str>) -> String {
    let pairs: Vec<_> = params.iter().map(|(name, value)| (*name, *value)).collect();
    let signature = sign::signature("testsecret", &sign::string_to_sign(method, pairs.clone()));
    format!("{}&Signature={}", sign::canonical(pairs), percent(&signature))
}

fn params<'a>(change: &[(&'a str, Option<&'a str>)]) -> BTreeMap<&'a str, &'a str> {
    let mut params = BTreeMap::from([
        ("AccessKeyId", "testid"),
        ("Action", "ScaleApp"),
        ("EnvId", "1"),
        ("Format", "JSON"),
        ("Replicas", "2"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", "n"),
        ("SignatureVersion", "1.0"),
        ("Timestamp", NOW),
        ("Version", "2018-03-13"),
    ]);
    for (name, value) in change {
        match value {
            Some(value) => params.insert(name, value),
            None => params.remove(name),
        };
    }
    params
}

#[derive(Deserialize)]
struct Vector {
    method: String,
    action: String,
    query: BTreeMap<String, String>,
    #[serde(default)]
    body: serde_json::Value,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    signature: String,
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn what_the_vendors_client_signs_with_version_1_is_accepted() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../../tests/golden/signature-vectors.json")).unwrap();
    assert_eq!(vectors.len(), 10);
    for vector in vectors {
        let body: BTreeMap<String, String> = serde_json::from_value(vector.body.clone()).unwrap();
        let form = sign::canonical(pairs(&body));
        let key = Key { token: vector.query.get("SecurityToken").map(Secret::new), ..Key::new("testid", "testsecret") };
        let now = vector.query["Timestamp"].clone();
        for (signature, is_right) in [(vector.signature.as_str(), true), ("AAAA", false)] {
            let uri = format!("/?{}&Signature={}", sign::canonical(pairs(&vector.query)), percent(signature));
            let request = request(&vector.method, &uri, &[FORM], form.clone());
            let received = receive(&request).unwrap();
            let now = now.parse().unwrap();
            let result = verify(&received, |_| true, std::slice::from_ref(&key), &Mutex::default(), now);
            let code = result.err().map(|rejection| rejection.code);
            assert_eq!(code.as_deref(), (!is_right).then_some("SignatureDoesNotMatch"), "{}", vector.action);
        }
    }
}

#[test]
fn what_the_vendors_client_signs_with_version_3_is_accepted() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../../tests/golden/signature-v3-vectors.json")).unwrap();
    assert_eq!(vectors.len(), 6);
    for vector in vectors {
        let token = vector.headers.get("x-acs-security-token").map(Secret::new);
        let key = Key { token, ..Key::new("testid", "testsecret") };
        let now: Timestamp = vector.headers["x-acs-date"].parse().unwrap();
        let outcome = |query: &BTreeMap<String, String>, headers: &BTreeMap<String, String>, body: &str| {
            let uri = format!("/?{}", sign::canonical(pairs(query)));
            let request = request(&vector.method, &uri, &pairs(headers), body.to_owned());
            let received = receive(&request).unwrap();
            assert_eq!(received.action(), headers["x-acs-action"]);
            let result = verify(&received, |_| true, std::slice::from_ref(&key), &Mutex::default(), now);
            result.map_err(|rejection| rejection.code.into_owned())
        };
        let body = vector.body.as_str().unwrap();
        let action = &vector.action;
        assert_eq!(outcome(&vector.query, &vector.headers, body), Ok(()), "{action}");
        let changed = |map: &BTreeMap<String, String>, name: &str, value: &str| {
            let mut map = map.clone();
            map.insert(name.into(), value.into());
            map
        };
        for (query, headers, body, code) in [
            (changed(&vector.query, "Extra", "1"), vector.headers.clone(), body, "SignatureDoesNotMatch"),
            (vector.query.clone(), changed(&vector.headers, "host", "elsewhere"), body, "SignatureDoesNotMatch"),
            (vector.query.clone(), changed(&vector.headers, "x-acs-action", "ListPods"), body, "SignatureDoesNotMatch"),
            (vector.query.clone(), changed(&vector.headers, FORM.0, FORM.1), "A=1", "IncompleteSignature"),
        ] {
            assert_eq!(outcome(&query, &headers, body), Err(code.to_owned()), "{action}");
        }
        let mut unsigned = vector.headers.clone();
        let short = unsigned["authorization"].replace("host;", "");
        unsigned.insert("authorization".into(), short);
        assert_eq!(outcome(&vector.query, &unsigned, body), Err("IncompleteSignature".into()), "{action}");
    }
}

#[test]
fn parameters_may_travel_in_the_query_or_in_the_form() {
    let all = signed("POST", &params(&[]));
    let (one, other) = all.split_at(all.find("Replicas").unwrap());
    for (uri, body) in [
        (format!("/?{all}"), String::new()),
        ("/".to_owned(), all.clone()),
        (format!("/?{one}"), other.to_owned()),
        (format!("/?{}", all.replace("%3A", ":")), String::new()),
    ] {
        assert_eq!(check(&request("POST", &uri, &[FORM], body.clone())), Ok(()), "{uri} {body}");
    }
    let form = ("Content-Type", "Application/X-WWW-Form-URLEncoded ; charset=UTF-8");
    assert_eq!(check(&request("POST", "/", &[form], all)), Ok(()));
    let get =
        signed("GET", &params(&[("Action", Some("ListApp")), ("PageNumber", Some("1")), ("PageSize", Some("9"))]));
    assert_eq!(check(&request("GET", &format!("/?{get}"), &[], "")), Ok(()));
    assert_eq!(check(&request("POST", &format!("/?{get}"), &[], "")).unwrap_err().code, "SignatureDoesNotMatch");
}

#[test]
fn wrong_requests_are_refused_with_the_gateways_codes() {
    type Change = &'static [(&'static str, Option<&'static str>)];
    let table: &[(Change, u16, &str)] = &[
        (&[("Action", None)], 400, "MissingAction"),
        (&[("Action", Some(""))], 400, "MissingAction"),
        (&[("Version", None)], 400, "MissingVersion"),
        (&[("Timestamp", None)], 400, "MissingTimestamp"),
        (&[("AccessKeyId", None)], 400, "MissingAccessKeyId"),
        (&[("SignatureNonce", None)], 400, "MissingSignatureNonce"),
        (&[("SignatureNonce", Some(""))], 400, "MissingSignatureNonce"),
        (&[("SignatureMethod", None)], 400, "MissingSignatureMethod"),
        (&[("SignatureMethod", Some("HMAC-MD5"))], 400, "InvalidParameter.SignatureMethod"),
        (&[("SignatureVersion", Some("2.0"))], 400, "InvalidParameter.SignatureVersion"),
        (&[("Format", Some("YAML"))], 400, "InvalidParameter.Format"),
        (&[("Version", Some("2018-03-14"))], 404, "InvalidVersion"),
        (&[("Action", Some("NoSuchAction"))], 404, "InvalidAction.NotFound"),
        (&[("Action", Some("scale_app"))], 404, "InvalidAction.NotFound"),
        (&[("Action", Some("Recorded"))], 0, ""),
        (&[("Timestamp", Some("2025-12-31T23:45:00Z"))], 0, ""),
        (&[("Timestamp", Some("2025-12-31T23:44:59Z"))], 400, "InvalidTimeStamp.Expired"),
        (&[("Timestamp", Some("2026-01-01T00:15:00Z"))], 0, ""),
        (&[("Timestamp", Some("2026-01-01T00:15:01Z"))], 400, "InvalidTimeStamp.Expired"),
        (&[("Timestamp", Some("2026-01-01T00:00:00+00:00"))], 400, "InvalidTimeStamp.Format"),
        (&[("Timestamp", Some("2026-13-01T00:00:00Z"))], 400, "InvalidTimeStamp.Format"),
        (&[("Timestamp", Some("yesterday"))], 400, "InvalidTimeStamp.Format"),
        (&[("AccessKeyId", Some("nobody"))], 404, "InvalidAccessKeyId.NotFound"),
        (&[("AccessKeyId", Some("inactive"))], 400, "InvalidAccessKeyId.Inactive"),
        (&[("AccessKeyId", Some("temporary"))], 400, "MissingSecurityToken"),
        (&[("AccessKeyId", Some("temporary")), ("SecurityToken", Some("fake-token"))], 0, ""),
        (&[("AccessKeyId", Some("temporary")), ("SecurityToken", Some("x"))], 400, "InvalidSecurityToken.Malformed"),
        (
            &[("AccessKeyId", Some("temporary")), ("SecurityToken", Some("fake-other-token"))],
            400,
            "InvalidSecurityToken.MismatchWithAccessKey",
        ),
        (&[("SecurityToken", Some("fake-token"))], 400, "InvalidSecurityToken.MismatchWithAccessKey"),
        (&[("AccessKeyId", Some("reader"))], 403, "Forbidden.RAM"),
        (&[("AccessKeyId", Some("reader")), ("Action", Some("DescribeAppDetail")), ("AppId", Some("1"))], 0, ""),
        (&[("EnvId", None)], 400, "MissingEnvId"),
        (&[("EnvId", Some(""))], 400, "InvalidParameter.EnvId"),
        (&[("EnvId", Some("one"))], 400, "InvalidParameter.EnvId"),
        (&[("Replicas", Some("99999999999999999999999"))], 400, "InvalidParameter.Replicas"),
        (&[("Replicas", Some("3000000000"))], 400, "InvalidParameter.Replicas"),
        (&[("NotKnown", Some("passed over"))], 0, ""),
        (&[("Replicas.1", Some("passed over"))], 0, ""),
    ];
    for (change, status, code) in table {
        let uri = format!("/?{}", signed("POST", &params(change)));
        let got = check(&request("POST", &uri, &[], "")).err().map(|r| (r.status, r.code.into_owned()));
        let expected = (*status > 0).then(|| (*status, (*code).to_owned()));
        assert_eq!(got, expected, "{change:?}");
    }
}

#[test]
fn elements_of_lists_are_checked() {
    let port = [
        ("Action", Some("CreateService")),
        ("Replicas", None),
        ("Name", Some("web")),
        ("ServiceType", Some("ClusterIP")),
        ("K8sServiceId", Some("web")),
        ("PortMappings.1.Protocol", Some("TCP")),
        ("PortMappings.1.Port", Some("80")),
        ("PortMappings.1.TargetPort", Some("8080")),
        ("PortMappings.1.Name", Some("http")),
    ];
    for (change, code) in [
        ([("EnvId", Some("1")); 1], ""),
        ([("PortMappings.1.Port", None)], "MissingParameter"),
        ([("PortMappings.1.Port", Some("x"))], "InvalidParameter.PortMappings"),
        // Another element, which lacks its other fields.
        ([("PortMappings.99999.Port", Some("80"))], "MissingParameter"),
    ] {
        let uri = format!("/?{}", signed("POST", &params(&[&port[..], &change[..]].concat())));
        let got = check(&request("POST", &uri, &[], "")).err().map(|r| r.code.into_owned());
        assert_eq!(got.unwrap_or_default(), code, "{change:?}");
    }
}

#[test]
fn a_nonce_is_taken_once_and_only_by_a_valid_request() {
    let nonces = Mutex::default();
    let uri = |change| format!("/?{}", signed("POST", &params(change)));
    let good = uri(&[]);
    for (uri, code) in [
        (format!("{good}x"), "SignatureDoesNotMatch"),
        (good.clone(), ""),
        (good.clone(), "SignatureNonceUsed"),
        (uri(&[("EnvId", Some("2"))]), "SignatureNonceUsed"),
        (uri(&[("SignatureNonce", Some("m"))]), ""),
    ] {
        let got = check_at(&request("POST", &uri, &[], ""), &keys(), NOW, &nonces).err();
        assert_eq!(got.map(|r| r.code.into_owned()).unwrap_or_default(), code, "{uri}");
    }
}

#[test]
fn a_wrong_signature_is_answered_with_what_should_have_been_signed() {
    let params = params(&[]);
    let pairs: Vec<_> = params.iter().map(|(name, value)| (*name, *value)).collect();
    let expected = sign::string_to_sign("POST", pairs.clone());
    let uri = format!("/?{}&Signature=d3Jvbmc%3D", sign::canonical(pairs));
    let rejection = check(&request("POST", &uri, &[], "")).unwrap_err();
    assert_eq!((rejection.status, rejection.code.as_ref()), (400, "SignatureDoesNotMatch"));
    assert!(rejection.message.ends_with(&format!("server string to sign is:{expected}")), "{}", rejection.message);
}

#[test]
fn what_is_no_call_is_refused() {
    let good = signed("POST", &params(&[]));
    let json = ("content-type", "application/json");
    for (method, uri, headers, body, status, code) in [
        ("PUT", "/", &[][..], "", 405, "UnsupportedHTTPMethod"),
        ("GET", "/apps", &[], "", 404, "InvalidApi.NotFound"),
        ("GET", "/", &[], "", 400, "MissingAction"),
        ("POST", "/", &[json], "{}", 415, "InvalidParameter.ContentType"),
        ("POST", "/", &[], "Action=ListApp", 415, "InvalidParameter.ContentType"),
        ("POST", "/", &[FORM], "Action=%", 400, "InvalidParameter.Encoding"),
        ("POST", "/?Action=ListApp", &[FORM], "Action=ListApp", 400, "InvalidParameter.Action"),
        ("POST", "/?%3Cscript%3E=1&%3Cscript%3E=2", &[], "", 400, "InvalidParameter"),
        ("POST", "/", &[("authorization", "ACS3-HMAC-SHA256")], "", 400, "MissingAction"),
        (
            "POST",
            "/",
            &[("authorization", "ACS3-HMAC-SHA256 a,b"), ("x-acs-action", "ListApp"), ("x-acs-version", "2018-03-13")],
            "",
            400,
            "MissingCredential",
        ),
    ] {
        let rejection = check(&request(method, uri, headers, body)).unwrap_err();
        assert_eq!((rejection.status, rejection.code.as_ref()), (status, code), "{method} {uri} {body}");
    }
    let twice = format!("/?{good}&EnvId=1");
    assert_eq!(check(&request("POST", &twice, &[], "")).unwrap_err().code, "InvalidParameter.EnvId");
}

proptest! {
    #[test]
    fn no_request_makes_the_gateway_panic(
        method in proptest::sample::select(vec!["GET", "POST", "PATCH"]),
        query in "(Action=(ListApp|ScaleApp|CreateService)&)?([A-Za-z.0-9%+=&/]{0,40}&){0,6}",
        form in any::<bool>(),
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            "([A-Za-z]{1,12}(\\.[0-9]{1,6}){0,2}=[0-9%]{0,8}&){0,10}".prop_map(String::into_bytes),
        ],
        headers in proptest::collection::vec(
            (
                proptest::sample::select(vec![
                    "authorization", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce",
                    "x-acs-content-sha256", "x-acs-security-token", "host", "accept-encoding",
                ]),
                prop_oneof![
                    "[ -~]{0,60}",
                    "ACS3-HMAC-SHA256 (Credential=testid,?)?(SignedHeaders=[a-z0-9;-]{0,40},?)?(Signature=[0-9a-f]{0,8})?",
                    Just(NOW.to_owned()), Just("2018-03-13".to_owned()), Just("ListApp".to_owned()),
                ],
            ),
            0..8,
        ),
    ) {
        let mut request = Request::builder().method(method).uri(format!("/?{query}"));
        for (name, value) in &headers {
            request = request.header(*name, value.as_str());
        }
        if form {
            request = request.header(FORM.0, FORM.1);
        }
        let request = request.body(Bytes::from(body)).unwrap();
        let rejection = check(&request).unwrap_err();
        prop_assert!((400..=415).contains(&rejection.status));
    }

    #[test]
    fn no_parameter_makes_decoding_panic(
        action in proptest::sample::select(catalogue::operations().map(|op| op.action).collect::<Vec<_>>()),
        values in proptest::collection::vec(("[A-Za-z.0-9]{0,20}", any::<String>()), 0..8),
    ) {
        let operation = catalogue::find(action).unwrap();
        let named = operation.params.iter().zip(&values).map(|(param, (_, value))| (param.name, value.as_str()));
        let all = named.chain(values.iter().map(|(name, value)| (name.as_str(), value.as_str()))).collect();
        let request = request("POST", "/", &[FORM], sign::canonical(all));
        let _ = decode(operation, &receive(&request).unwrap());
    }
}
