//! Whether a webhook comes from Twilio: `X-Twilio-Signature`.
//!
//! The signature is the Base64 of an HMAC over the configured public address and what was sent. Names of a form are
//! sorted by code point and each is followed by its value; the values of a name that comes more than once are sorted
//! and each different one counts once. A body of another kind is signed by its SHA-256 in the address. The key is the
//! account's token with SHA-1, or the secret of a webhooks shared key with SHA-256 where a second header says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The parameter of the address that holds the hash of the body.
const BODY_HASH: &str = "bodySHA256";

/// What signatures are checked with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The account's token.
    pub auth_token: SecretString,
    /// The token that is about to take its place, or had it until now: both sign while tokens are changed.
    pub secondary: Option<SecretString>,
    /// The secret of the account's webhooks shared key.
    pub shared_key: Option<SecretString>,
}

/// What was sent besides the address.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// The fields of a form, all of them, decoded.
    Form(&'a [(String, String)]),
    /// A body of another kind.
    Body(&'a [u8]),
}

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no signature.
    #[error("the request is not signed")]
    Missing,
    /// It is signed with a key we do not have or in a way we do not know.
    #[error("the request is signed with a key or an algorithm that is not configured")]
    Unknown,
    /// The signature is another one.
    #[error("the signature does not fit the request and the configured public address")]
    Wrong,
}

/// Whether a request to `url` (the public address, with its query) carries its signature. `settings` is the header
/// `X-Twilio-Webhooks-Signature-Settings`.
///
/// # Errors
/// [`Refusal`] says why it is not believed.
pub fn is_signed(
    keys: &Keys,
    signature: Option<&str>,
    settings: Option<&str>,
    url: &str,
    content: Content<'_>,
) -> Result<(), Refusal> {
    let signature = signature.ok_or(Refusal::Missing)?;
    let signature = STANDARD.decode(signature.trim()).map_err(|_| Refusal::Wrong)?;
    let signed = signed_part(url, content)?;
    let fits: fn(&SecretString, &[u8], &[u8]) -> bool;
    let (key, other) = match settings.map(algorithm) {
        None => {
            fits = fits_sha1;
            (&keys.auth_token, keys.secondary.as_ref())
        }
        Some(Some("HMAC_SHA256")) => {
            fits = fits_sha256;
            (keys.shared_key.as_ref().ok_or(Refusal::Unknown)?, None)
        }
        Some(_) => return Err(Refusal::Unknown),
    };
    // Every form and key is tried, whether or not one has fitted: the time tells nothing.
    let mut fitted = false;
    for address in addresses(url) {
        let message = format!("{address}{signed}");
        for key in [Some(key), other].into_iter().flatten() {
            fitted |= fits(key, message.as_bytes(), &signature);
        }
    }
    if fitted { Ok(()) } else { Err(Refusal::Wrong) }
}

fn fits_sha1(key: &SecretString, message: &[u8], signature: &[u8]) -> bool {
    // An HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.expose_secret().as_bytes()) else { return false };
    mac.update(message);
    mac.verify_slice(signature).is_ok()
}

fn fits_sha256(key: &SecretString, message: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()) else { return false };
    mac.update(message);
    mac.verify_slice(signature).is_ok()
}

/// The algorithm that a settings header names: `key=…,algorithm=…`.
fn algorithm(settings: &str) -> Option<&str> {
    settings.split(',').find_map(|setting| setting.trim().strip_prefix("algorithm="))
}

/// What is signed after the address.
fn signed_part(url: &str, content: Content<'_>) -> Result<String, Refusal> {
    match content {
        Content::Form(pairs) => {
            let mut fields: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for (name, value) in pairs {
                fields.entry(name).or_default().insert(value);
            }
            let mut signed = String::new();
            for (name, values) in fields {
                for value in values {
                    signed.push_str(name);
                    signed.push_str(value);
                }
            }
            Ok(signed)
        }
        Content::Body([]) => Ok(String::new()),
        Content::Body(body) => {
            let query =
                url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
            let hash = query.split('&').find_map(|pair| pair.strip_prefix(BODY_HASH)?.strip_prefix('='));
            let actual = Sha256::digest(body).iter().fold(String::new(), |mut hex, byte| {
                // Writing to a string cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            if hash.is_some_and(|hash| hash.eq_ignore_ascii_case(&actual)) {
                Ok(String::new())
            } else {
                Err(Refusal::Wrong)
            }
        }
    }
}

/// The forms of an address that may have been signed: as it is, without its port, and with its scheme's own port. A
/// fragment is never part of it.
fn addresses(url: &str) -> Vec<String> {
    let url = url.split('#').next().unwrap_or(url);
    let mut forms = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return forms };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // An IPv6 address has colons of its own, in brackets; a user's name may have one before the `@`.
    let host_from = authority.rfind([']', '@']).unwrap_or(0);
    let host = match authority[host_from..].find(':') {
        Some(colon) => {
            let host = &authority[..host_from + colon];
            forms.push(format!("{scheme}://{host}{path}"));
            host
        }
        None => authority,
    };
    let port = if scheme == "https" || scheme == "wss" { 443 } else { 80 };
    forms.push(format!("{scheme}://{host}:{port}{path}"));
    forms
}
