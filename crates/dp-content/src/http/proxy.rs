//! The proxy that the environment names.

use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

use crate::access::{AccessError, AccessKind};

/// The proxy for `url` by the variables that `read` gives: `http_proxy` or `https_proxy`, else
/// `all_proxy`, each also in capitals; `no_proxy` lists hosts that are reached without.
///
/// One that cannot be used is an error: a network that has one may not let anything by, and who set
/// it wants to know why nothing comes.
pub(super) fn of_environment(
    url: &str,
    read: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, AccessError> {
    let names = if url.starts_with("https:") {
        ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
    };
    let value_of = |name: &str| read(name).filter(|value| !value.trim().is_empty());
    let Some((name, value)) = names.into_iter().find_map(|name| Some((name, value_of(name)?)))
    else {
        return Ok(None);
    };
    let without = value_of("no_proxy").or_else(|| value_of("NO_PROXY")).unwrap_or_default();
    if is_without(url, &without) {
        return Ok(None);
    }
    // The value may hold a password: it is not repeated.
    let unusable = |why: &str| {
        let why = format!("{why}; give http://HOST:PORT, or list the server in no_proxy");
        AccessError::new(format!("the proxy in {name}"), AccessKind::Unusable(why))
    };
    let proxy = Proxy::new(value.trim()).map_err(|_| unusable("it is not an address"))?;
    match proxy.protocol() {
        ProxyProtocol::Http | ProxyProtocol::Https => Ok(Some(proxy)),
        _ => Err(unusable("SOCKS is not spoken here")),
    }
}

/// `host:port` of a proxy, as messages call it.
pub(super) fn name(proxy: &Proxy) -> String {
    format!("{}:{}", proxy.host(), proxy.port())
}

/// Whether `no_proxy` names the host of `url`: `dp`, `.contoso.com`, `*.contoso.com`, `*`.
fn is_without(url: &str, no_proxy: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    // Any proxy does: only the list is asked.
    let list = Proxy::builder(ProxyProtocol::Http).host("localhost");
    let list = no_proxy.split(',').fold(list, |list, entry| list.no_proxy(entry.trim()));
    list.build().is_ok_and(|list| list.is_no_proxy(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, AccessError> {
        let read = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned())
        };
        Ok(of_environment(url, read)?.map(|proxy| super::name(&proxy)))
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let all = [
            ("http_proxy", "http://one:81"),
            ("HTTPS_PROXY", "two:82"),
            ("no_proxy", "near, .contoso.com"),
        ];
        assert_eq!(proxy("http://dp/x", &all), Ok(Some("one:81".to_owned())));
        assert_eq!(proxy("https://dp/x", &all), Ok(Some("two:82".to_owned())));
        assert_eq!(proxy("https://near:8443/x", &all), Ok(None));
        assert_eq!(proxy("https://dp.contoso.com/x", &all), Ok(None));
        assert_eq!(proxy("https://dp/x", &[("all_proxy", "x:1")]), Ok(Some("x:1".to_owned())));
        assert_eq!(proxy("http://dp/x", &[("http_proxy", "")]), Ok(None));
        assert_eq!(proxy("http://dp/x", &[]), Ok(None));
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for value in ["socks5://me:secret@proxy:1080", "http://me:secret@", "a b"] {
            let error = proxy("http://dp/x", &[("http_proxy", value)]).unwrap_err();
            assert!(matches!(error.kind(), AccessKind::Unusable(_)), "{value}: {error}");
            let text = format!("{error} {error:?}");
            assert!(text.contains("http_proxy") && !text.contains("secret"), "{text}");
            let variables = [("http_proxy", value), ("no_proxy", "dp")];
            assert_eq!(proxy("http://dp/x", &variables), Ok(None));
        }
    }
}
