//! Whether a webhook comes from Meta: `X-Hub-Signature-256`, and the word that a subscription is confirmed with.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

const PREFIX: &str = "sha256=";

/// Whether a body, as its bytes came, carries its signature: the HMAC under the app's secret, in hexadecimal digits.
pub fn is_signed(secret: &SecretString, signature: Option<&str>, body: &[u8]) -> bool {
    let Some(given) = signature.and_then(|signature| signature.trim().strip_prefix(PREFIX)).and_then(bytes)
    else {
        return false;
    };
    // An HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(&given).is_ok()
}

/// Whether a word is the one that was agreed on. Hashes of equal length are compared: the time tells nothing about it.
pub(super) fn is_word(word: &SecretString, given: &str) -> bool {
    Sha256::digest(word.expose_secret().as_bytes()) == Sha256::digest(given.as_bytes())
}

/// The bytes that hexadecimal digits stand for.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}
