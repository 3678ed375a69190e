//! Whoever is forgotten by their number is forgotten as a caller, too.

use innkeeper::message::GuestKey;

use super::letterbox::guest;
use super::rig::{Hotel, Switch, stranger};

const ANA: &str = "+34600000001";
const OTHER: &str = "+346000000011";

#[tokio::test]
async fn a_number_is_forgotten_with_every_call_that_displayed_it_and_no_other() {
    let hotel = Hotel::on_whatsapp().await;
    let store = &hotel.receptionist.store;
    for (id, number) in [("CA1", ANA), ("CA2", ANA), ("CA3", OTHER)] {
        let mut telephone = hotel.rings_with(id, stranger(number), Switch::default());
        telephone.hears().await;
        telephone.says("I need a room from the twelfth to the fourteenth of December").await;
        telephone.hears().await;
        telephone.hangs_up().await;
    }
    hotel.is_written(ANA, "SM1", "hello").await;
    let mut everybody = store.everybody_with(ANA).await.expect("guests");
    everybody.sort();
    let called = |call: &str| GuestKey::displayed(ANA).in_call(call);
    assert_eq!(everybody, [called("CA1"), called("CA2"), guest(ANA)]);
    for guest in &everybody {
        store.forget_guest(guest).await.expect("forgotten");
    }
    assert_eq!(store.everybody_with(ANA).await.expect("guests"), []);
    for conversation in store.conversations(10).await.expect("conversations") {
        let is_others = conversation.guest.starts_with(GuestKey::displayed(OTHER).as_str());
        assert_eq!(conversation.forgotten, !is_others, "{}", conversation.guest);
        assert_eq!(conversation.position.is_some(), is_others);
        assert!(is_others || conversation.guest.starts_with("forgotten:"), "{}", conversation.guest);
    }
    let left = store.outgoing_to(&GuestKey::displayed(OTHER).in_call("CA3")).await.expect("rows");
    assert!(left.iter().all(|row| !row.text.is_empty()) && !left.is_empty());
    for guest in &everybody {
        assert_eq!(store.outgoing_to(guest).await.expect("rows").len(), 0);
        assert_eq!(store.messages_of(guest).await.expect("rows").len(), 0);
    }
}
