//! WhatsApp by Meta: the number, the secrets, and whom Meta calls.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use super::Finding;
use super::asking::{Answer, Asking};
use crate::config::{BaseUrl, Config};

const NAME: &str = "WhatsApp by Meta";

/// What a running innkeeper gives back to whoever knows the verify token.
const CHALLENGE: &str = "1158201444";

/// What there is to say about it.
pub(super) async fn findings(config: &Config, asking: &mut Asking) -> Vec<Finding> {
    let meta = &config.meta;
    let keys = [
        (meta.app_secret.is_none(), "META_APP_SECRET"),
        (meta.verify_token.is_none(), "META_VERIFY_TOKEN"),
        (meta.access_token.is_none(), "META_ACCESS_TOKEN"),
        (meta.phone_number_id.is_none(), "[meta] phone_number_id"),
        (config.server.public_url.is_none(), "[server] public_url, the address Meta calls"),
    ];
    if keys[..4].iter().all(|(missing, _)| *missing) {
        let off = format!("{NAME}: no META_APP_SECRET, META_VERIFY_TOKEN and META_ACCESS_TOKEN");
        return vec![Finding::Off(off)];
    }
    let (Some(secret), Some(word), Some(token), Some(number), Some(public)) = (
        &meta.app_secret,
        &meta.verify_token,
        &meta.access_token,
        &meta.phone_number_id,
        &config.server.public_url,
    ) else {
        let missing: Vec<&str> =
            keys.into_iter().filter_map(|(missing, key)| missing.then_some(key)).collect();
        let fix = format!("set {}", missing.join(" and "));
        return vec![Finding::broken(format!("{NAME}: half configured"), fix)];
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return vec![Finding::broken(
            format!("{NAME}: [meta] phone_number_id is {number:?}, and an id is digits alone"),
            "copy Phone number ID from the app's API Setup page; it is not the number itself",
        )];
    }
    let graph = Graph { base: &meta.base_url, number, token, secret };
    let mut findings = graph.findings(public, asking).await;
    findings.extend(verifies(public, word, asking).await);
    findings
}

/// Whether the innkeeper at the public address has the same verify token. Whether the address leads anywhere is told
/// elsewhere.
async fn verifies(public: &BaseUrl, word: &SecretString, asking: &mut Asking) -> Option<Finding> {
    let url = reqwest::Url::parse_with_params(
        &format!("{public}/meta/webhook"),
        [("hub.mode", "subscribe"), ("hub.verify_token", word.expose_secret()), ("hub.challenge", CHALLENGE)],
    );
    let answer = asking.get(url.ok()?.as_str()).await.ok()?;
    if answer.status.is_success() && answer.text == CHALLENGE {
        return Some(Finding::Fine(format!("{NAME}: the running innkeeper has this verify token")));
    }
    (answer.status == StatusCode::FORBIDDEN).then(|| {
        Finding::broken(
            format!("{NAME}: the running innkeeper has another verify token"),
            "start innkeeper and the doctor with the same META_VERIFY_TOKEN, and give that one to Meta",
        )
    })
}

/// Whoever asks Meta.
struct Graph<'a> {
    base: &'a BaseUrl,
    number: &'a str,
    token: &'a SecretString,
    secret: &'a SecretString,
}

impl Graph<'_> {
    async fn findings(&self, public: &BaseUrl, asking: &mut Asking) -> Vec<Finding> {
        let answer = match self.get(Some(&self.proof()), asking).await {
            Ok(answer) => answer,
            Err(error) => {
                return vec![Finding::broken(
                    format!("{NAME}: {} does not answer: {error}", self.base),
                    "see that this machine reaches the internet, or correct [meta] base_url",
                )];
            }
        };
        if answer.status.is_success() {
            return vec![
                Finding::Fine(format!("{NAME}: number {} is reached", self.number)),
                self.called(&answer, public),
            ];
        }
        // The same without the proof that the app's secret fits the token.
        let plain = self.get(None, asking).await.ok().filter(|plain| plain.status.is_success());
        if plain.is_some() {
            return vec![Finding::broken(
                format!("{NAME}: the app's secret does not fit the access token"),
                "copy App secret from the app's Settings, Basic, into META_APP_SECRET; the token must be of the same app",
            )];
        }
        let code = answer.json().pointer("/error/code").and_then(serde_json::Value::as_i64);
        vec![match (answer.status, code) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) | (_, Some(190)) => Finding::broken(
                format!("{NAME}: the access token is refused"),
                "make a token of a system user with whatsapp_business_messaging that does not run out, and set \
                 META_ACCESS_TOKEN; those of the API Setup page run out after a day",
            ),
            (status, _) if status.is_client_error() => Finding::broken(
                format!("{NAME}: number {} is answered with {status}", self.number),
                "set [meta] phone_number_id to the number's id (not the number), and give the token access to it",
            ),
            (status, _) => Finding::broken(
                format!("{NAME}: {} answers {status}", self.base),
                "wait, or correct [meta] base_url",
            ),
        }]
    }

    async fn get(&self, proof: Option<&str>, asking: &mut Asking) -> Result<Answer, String> {
        let mut url = format!("{}/{}?fields=id,webhook_configuration", self.base, self.number);
        if let Some(proof) = proof {
            // Writing to a string cannot fail.
            let _ = write!(url, "&appsecret_proof={proof}");
        }
        let request = asking.request(&url).bearer_auth(self.token.expose_secret());
        asking.ask(request).await
    }

    /// The token under the app's secret: Meta refuses it where the two are not of one app.
    fn proof(&self) -> String {
        // An HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes()) else {
            return String::new();
        };
        mac.update(self.token.expose_secret().as_bytes());
        mac.finalize().into_bytes().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Whom Meta calls: the number's own address comes before the account's, and that before the app's.
    fn called(&self, answer: &Answer, public: &BaseUrl) -> Finding {
        let wanted = format!("{public}/meta/webhook");
        let told = answer.json();
        let called = ["phone_number", "whatsapp_business_account", "application"]
            .into_iter()
            .find_map(|level| told["webhook_configuration"][level].as_str().filter(|url| !url.is_empty()));
        let fix = format!(
            "in the app's WhatsApp, Configuration, set Callback URL to {wanted} and subscribe to messages"
        );
        match called {
            Some(called) if called == wanted => Finding::Fine(format!("{NAME}: Meta calls {wanted}")),
            Some(called) => Finding::broken(format!("{NAME}: Meta calls {called}"), fix),
            None => Finding::Look(format!("{NAME}: Meta does not say whom it calls: {fix}")),
        }
    }
}
