//! Files are fetched from the provider's hosts, and from nowhere else.

use std::time::Duration;

use futures::future::join;
use innkeeper::channel::{Channel, MediaFault};

use super::house::House;
use crate::rig::media;
use crate::support::meta::File;
use crate::support::meta::graph::sha256;
use crate::support::twilio::media::Trick;

const OGG: &str = "audio/ogg";

#[tokio::test]
async fn a_file_is_fetched_without_credentials_where_they_do_not_belong() {
    let house = House::open().await;
    let url = house.twilio.holds(b"OggS", OGG, Trick::Honest);
    let fetched = house.by_twilio.fetch(&media(&url, OGG)).await.expect("a file");
    assert_eq!((fetched.bytes.as_slice(), fetched.content_type.as_str()), (b"OggS".as_slice(), OGG));
    let wrong = house.twilio.holds(b"OggS", "text/html", Trick::Honest);
    let fetched = house.by_twilio.fetch(&media(&wrong, OGG)).await.expect("a file");
    assert_eq!(fetched.content_type, "text/html", "what the host says is told");
}

#[tokio::test]
async fn a_file_that_is_not_there_yet_is_asked_for_again() {
    let house = House::open().await;
    for (not_yet, comes) in [(2, true), (3, false)] {
        let url = house.twilio.holds(b"OggS", OGG, Trick::NotYet(not_yet));
        let clock = async {
            for _ in 0..2 {
                house.clock.waited_for(1).await;
                house.clock.advance(Duration::from_secs(1));
            }
        };
        let file = media(&url, OGG);
        let (fetched, ()) = join(house.by_twilio.fetch(&file), clock).await;
        assert_eq!(
            fetched.map(|fetched| fetched.bytes),
            if comes { Ok(b"OggS".to_vec()) } else { Err(MediaFault::Gone) }
        );
    }
}

#[tokio::test]
async fn addresses_of_others_are_never_asked() {
    let house = House::open().await;
    let elsewhere = [
        "https://evil.example.com/x",
        "http://api.twilio.com/x",
        "https://api.twilio.com.evil.example.com/x",
        "https://eviltwilio.com/x",
        "https://api.twilio.com:8443/x",
        "https://user@api.twilio.com/x",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "not an address",
        "",
    ];
    for address in elsewhere {
        let fault = house.by_twilio.fetch(&media(address, OGG)).await.expect_err(address);
        assert_eq!(fault, MediaFault::Elsewhere, "{address}");
        if let Some(address) = Some(address).filter(|address| address.contains("://")) {
            let url = house.twilio.holds(b"", OGG, Trick::LeadsTo(address.to_owned()));
            let fault = house.by_twilio.fetch(&media(&url, OGG)).await.expect_err(address);
            assert_eq!(fault, MediaFault::Elsewhere, "it leads to {address}");
        }
        let fault = house.by_meta.fetch(&media(address, OGG)).await.expect_err(address);
        assert_eq!(fault, MediaFault::Elsewhere, "{address} is no id");
    }
}

#[tokio::test]
async fn what_is_too_large_or_leads_nowhere_is_left() {
    let house = House::open().await;
    let cases = [
        (Trick::Huge { announced: true }, MediaFault::TooLarge),
        (Trick::Huge { announced: false }, MediaFault::TooLarge),
        (Trick::Circles, MediaFault::Astray),
        (Trick::Cut, MediaFault::Damaged),
    ];
    for (trick, expected) in cases {
        let url = house.twilio.holds(b"OggS and more", OGG, trick.clone());
        let fault = house.by_twilio.fetch(&media(&url, OGG)).await.expect_err("no file");
        assert_eq!(fault, expected, "{trick:?}");
    }
}

#[tokio::test]
async fn a_file_of_metas_is_the_one_that_was_told_of() {
    let house = House::open().await;
    let file = |content: &[u8]| File {
        bytes: content.to_vec(),
        content_type: OGG.to_owned(),
        sha256: sha256(b"OggS"),
        not_yet: 0,
        elsewhere: None,
    };
    house.meta.holds("1908", file(b"OggS"));
    house.meta.holds("1909", file(b"OggT"));
    house
        .meta
        .holds("1910", File { elsewhere: Some("https://evil.example.com/x".to_owned()), ..file(b"OggS") });
    let fetch = async |id: &str| house.by_meta.fetch(&media(id, OGG)).await.map(|fetched| fetched.bytes);
    assert_eq!(fetch("1908").await, Ok(b"OggS".to_vec()));
    assert_eq!(fetch("1909").await, Err(MediaFault::Damaged));
    assert_eq!(fetch("1910").await, Err(MediaFault::Elsewhere));
    let mut said = media("1908", OGG);
    said.sha256 = Some(sha256(b"another"));
    let fault = house.by_meta.fetch(&said).await.expect_err("the webhook told of another");
    assert_eq!(fault, MediaFault::Damaged);
}
