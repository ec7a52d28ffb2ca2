//! Tests of `proxy`.

#![allow(clippy::unwrap_used)]

use super::*;

fn proxy(env: &[(&str, &str)], endpoint: &str) -> Result<Option<String>> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let found = Proxy::for_endpoint(&env, &Endpoint::parse(endpoint).unwrap())?;
    Ok(found.map(|proxy| proxy.to_string()))
}

#[test]
fn the_variables_are_those_of_curl() {
    const SHOP: &str = "https://shop.example";
    let through = |url: &str, variable: &str| Ok(Some(format!("the proxy {url} of {variable}")));
    for (env, endpoint, expected) in [
        (&[][..], SHOP, Ok(None)),
        (&[("HTTPS_PROXY", "http://p:1")], SHOP, through("http://p:1", "HTTPS_PROXY")),
        (&[("HTTPS_PROXY", "http://p:1"), ("https_proxy", "q:2")], SHOP, through("http://q:2", "https_proxy")),
        (&[("HTTPS_PROXY", ""), ("ALL_PROXY", " https://p ")], SHOP, through("https://p", "ALL_PROXY")),
        (&[("HTTP_PROXY", "http://p:1")], SHOP, Ok(None)),
        (&[("HTTP_PROXY", "p:1")], "http://shop.example", through("http://p:1", "HTTP_PROXY")),
        (&[("HTTP_PROXY", "p:1"), ("REQUEST_METHOD", "GET")], "http://shop.example", Ok(None)),
        (&[("HTTPS_PROXY", "http://bob:fake%23@p:1/")], SHOP, through("http://p:1", "HTTPS_PROXY")),
        // This machine, and whoever is named, is reached directly, and what is wrong then does no harm.
        (&[("HTTP_PROXY", "http://b:#@p")], "http://127.0.0.1:80", Ok(None)),
        (&[("HTTPS_PROXY", "http://b:#@p"), ("NO_PROXY", "example")], SHOP, Ok(None)),
    ] {
        assert_eq!(proxy(env, endpoint), expected, "{env:?}");
    }
}

#[test]
fn a_variable_that_names_no_proxy_is_an_error_without_the_password() {
    for (text, shown) in [
        ("http://bob:p#ss@proxy:8080", "`http://…@proxy:8080` is not a URL: invalid port number"),
        ("bob:p@ss#x@proxy:8080", "`…@proxy:8080` must have nothing behind its host and port"),
        ("http://bob:1/ss@proxy:8080", "`http://…@proxy:8080` must have nothing behind its host and port"),
        ("http://bob:1#ss@proxy:8080", "`http://…@proxy:8080` must have nothing behind its host and port"),
        ("http://proxy:99999", "`http://proxy:99999` is not a URL: invalid port number"),
        ("http://", "`http://` is not a URL: empty host"),
        ("socks5://bob:fake@proxy:1", "`socks5://…@proxy:1` must begin with http:// or https://"),
    ] {
        let error = proxy(&[("HTTPS_PROXY", text)], "https://shop.example").unwrap_err();
        assert_eq!(error.kind, Kind::Config, "{text}");
        assert_eq!(error.message, format!("HTTPS_PROXY names no proxy: {shown}"), "{text}");
    }
}

#[test]
fn no_proxy_names_hosts_as_it_does_for_curl() {
    // What curl 7.88 does, but for networks of IPv6, which it does not know yet.
    for (list, host, is_direct) in [
        ("*", "a.test", true),
        ("x,*", "a.test", false),
        ("a.test", "a.test", true),
        ("A.Test.", "a.test", true),
        (".a.test", "a.test", true),
        ("test", "a.test", true),
        (".test", "a.b.test", true),
        ("b.test, a.test", "a.test", true),
        ("b.test a.test", "a.test", true),
        ("est", "a.test", false),
        ("a.test", "b.a.test", true),
        ("a.test", "ba.test", false),
        ("*.test", "a.test", false),
        ("a.test:443", "a.test", false),
        ("10.0.0.0/8", "10.1.2.3", true),
        ("10.0.0.0/8", "11.1.2.3", false),
        ("10.0.0.0/33", "10.1.2.3", false),
        ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3:443", "10.1.2.3", false),
        ("10.1", "10.1.2.3", false),
        ("2.3", "10.1.2.3", false),
        ("10.0.0.0/8", "a.test", false),
        ("fd00::1", "[fd00::1]", true),
        ("[fd00::1]", "[fd00::1]", true),
        ("fd00::/16", "[fd00::1]", true),
        ("fd00::/16", "[fe00::1]", false),
        ("", "a.test", false),
    ] {
        let found = proxy(&[("no_proxy", list), ("https_proxy", "p:1")], &format!("https://{host}"));
        assert_eq!(found.unwrap().is_none(), is_direct, "{list} {host}");
    }
}
