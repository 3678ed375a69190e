//! Fetching what guests send, safely.
//!
//! The address may be an attacker's wherever a signature was off, so it counts for nothing: every address, the first one
//! and each that it leads to, must be on a host of the provider's; credentials go to the first origin and no other; and
//! size, hops and time are limited. A host of this machine is allowed only where the provider itself is configured to be
//! on it, which is how a local double takes its place.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Client, Response, StatusCode, Url};
use sha2::{Digest as _, Sha256};

use super::wire::is_here;
use crate::clock::Clock;
use crate::config::BaseUrl;
use crate::fault::kind;

/// An address may lead to another so many times.
const HOPS: usize = 3;

/// A file that is not there yet is asked for so many times: a webhook may be faster than its file.
const TRIES: usize = 3;

/// The pause before the second try; it doubles.
const NOT_YET: Duration = Duration::from_millis(500);

/// A file that a guest sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What the host that had it says it is.
    pub content_type: String,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fetched({} bytes of {})", self.bytes.len(), self.content_type)
    }
}

/// Why a file cannot be had. It holds nothing of the guest's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaFault {
    /// The address, or one it leads to, is not the provider's.
    #[error("the file is not on a host of the provider's")]
    Elsewhere,
    /// It leads on and on.
    #[error("the file's address leads on too often")]
    Astray,
    /// It is not there, and was not when it was asked for again.
    #[error("the file is not there")]
    Gone,
    /// It is larger than anything a guest may send.
    #[error("the file is too large")]
    TooLarge,
    /// It is not what the provider said it was, or not all of it.
    #[error("the file is damaged")]
    Damaged,
    /// The host refused.
    #[error("the file's host answers {0}")]
    Refused(u16),
    /// The host does not answer.
    #[error("the file's host does not answer: {0}")]
    Unanswered(&'static str),
    /// The channel has no files.
    #[error("the channel has no files")]
    None,
}

/// Where files may come from, and how they are asked for.
pub(super) struct Source<'a> {
    /// Asks; must not follow redirections by itself.
    pub(super) client: &'a Client,
    /// Hosts that a file's own address may be on; what begins with a dot is what they may end in.
    pub(super) first: &'static [&'static str],
    /// Hosts that these may lead to.
    pub(super) then: &'static [&'static str],
    /// Where the provider is configured to be.
    pub(super) base: &'a BaseUrl,
    /// What opens the first address.
    pub(super) authorization: HeaderValue,
    /// The largest file, in bytes.
    pub(super) most: usize,
}

impl Source<'_> {
    /// Fetches a file; asks again for one that is not there yet.
    pub(super) async fn fetch(&self, address: &str, clock: &dyn Clock) -> Result<Fetched, MediaFault> {
        let mut pause = NOT_YET;
        for _ in 1..TRIES {
            match self.follow(address).await {
                Err(MediaFault::Gone) => {
                    clock.sleep(pause).await;
                    pause *= 2;
                }
                fetched => return fetched,
            }
        }
        self.follow(address).await
    }

    /// Deletes a file at its own address; one that is not there is as good as deleted.
    pub(super) async fn delete(&self, address: &str) -> Result<(), MediaFault> {
        let url = Url::parse(address).map_err(|_| MediaFault::Elsewhere)?;
        let url = self.allowed(url, self.first)?;
        let request = self.client.delete(url).header(AUTHORIZATION, self.authorization.clone());
        let response = request.send().await.map_err(|error| MediaFault::Unanswered(kind(&error)))?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(()),
            status if status.is_success() => Ok(()),
            status => Err(MediaFault::Refused(status.as_u16())),
        }
    }

    /// One request with whatever it leads to.
    async fn follow(&self, address: &str) -> Result<Fetched, MediaFault> {
        let url = Url::parse(address).map_err(|_| MediaFault::Elsewhere)?;
        let mut url = self.allowed(url, self.first)?;
        let first = url.origin();
        for _ in 0..=HOPS {
            let mut request = self.client.get(url.clone());
            if url.origin() == first {
                request = request.header(AUTHORIZATION, self.authorization.clone());
            }
            let response = request.send().await.map_err(|error| MediaFault::Unanswered(kind(&error)))?;
            if !response.status().is_redirection() {
                return self.read(response).await;
            }
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| url.join(to).ok()).ok_or(MediaFault::Elsewhere)?;
            url = self.allowed(to, self.then)?;
        }
        Err(MediaFault::Astray)
    }

    /// The address, if it is the provider's.
    fn allowed(&self, url: Url, hosts: &[&str]) -> Result<Url, MediaFault> {
        let host = url.host_str().unwrap_or_default();
        let named = hosts.iter().any(|allowed| {
            host == *allowed
                || allowed.starts_with('.') && host.len() > allowed.len() && host.ends_with(allowed)
        });
        let public = url.scheme() == "https" && url.port().is_none() && named;
        let base = Url::parse(self.base.as_str()).ok();
        let own = base.is_some_and(|base| base.origin() == url.origin() || is_here(&base) && is_here(&url));
        let plain = url.username().is_empty() && url.password().is_none();
        if (public || own) && plain { Ok(url) } else { Err(MediaFault::Elsewhere) }
    }

    async fn read(&self, mut response: Response) -> Result<Fetched, MediaFault> {
        match response.status() {
            StatusCode::NOT_FOUND => return Err(MediaFault::Gone),
            status if !status.is_success() => return Err(MediaFault::Refused(status.as_u16())),
            _ => {}
        }
        let announced = response.content_length();
        if announced.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > self.most)) {
            return Err(MediaFault::TooLarge);
        }
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| {
            if error.is_timeout() { MediaFault::Unanswered(kind(&error)) } else { MediaFault::Damaged }
        })? {
            if bytes.len() + piece.len() > self.most {
                return Err(MediaFault::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Fetched { bytes, content_type })
    }
}

/// Whether a file is the one that its hash was made of, in Base64.
pub(super) fn is_whole(bytes: &[u8], sha256: &str) -> bool {
    STANDARD.decode(sha256.trim()).is_ok_and(|hash| hash == Sha256::digest(bytes)[..])
}
