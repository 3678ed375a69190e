//! Where Twilio's APIs are.

use crate::config::BaseUrl;

const DOMAIN: &str = ".twilio.com";

/// The addresses of the APIs that are used, without a slash at their ends. Whatever is configured as the REST API's
/// address and is not Twilio's own stands for all of them: a proxy or a local double.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    pub(super) api: String,
    pub(super) content: String,
    pub(super) messaging: String,
}

impl Hosts {
    pub(super) fn of(base: &BaseUrl) -> Self {
        let api = base.as_str().to_owned();
        let other = |name: &str| match base.as_str().strip_prefix("https://api.") {
            // A region is named between the two: `api.dublin.ie1.twilio.com`.
            Some(rest) if format!(".{rest}").ends_with(DOMAIN) => format!("https://{name}.{rest}"),
            _ => api.clone(),
        };
        Self { content: other("content"), messaging: other("messaging"), api: api.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::Hosts;
    use crate::config::BaseUrl;

    #[test]
    fn the_other_apis_are_beside_the_rest_api() {
        let of = |url: &str| Hosts::of(&BaseUrl::parse(url).expect("an address"));
        assert_eq!(of("https://api.twilio.com").content, "https://content.twilio.com");
        assert_eq!(
            of("https://api.dublin.ie1.twilio.com").messaging,
            "https://messaging.dublin.ie1.twilio.com"
        );
        for own in ["http://127.0.0.1:9000", "https://api.eviltwilio.com", "https://proxy.example.com/twilio"]
        {
            let hosts = of(own);
            assert_eq!((hosts.content.as_str(), hosts.messaging.as_str()), (own, own));
        }
    }
}
