//! A call in a scene on the guest's telephone: what is said in it, and what of that is heard. Its sound and its pace are
//! not played.

use innkeeper_engine::runtime::Happening;
use serde_json::json;

use super::phone::Line;
use super::play::PlayFault;
use super::scene::CallBy;
use super::transcript::Transcript;
use crate::channel::line::Caller;
use crate::clock::Clock as _;
use crate::conversation::{CALLED, Party, ReplyLine, Said};
use crate::message::{ChannelName, Content, GuestIds, GuestKey, Inbound, OutgoingId};
use crate::reply::Medium;
use crate::store::{Listened, Received};

/// A call under way.
pub(super) struct Calling {
    caller: Caller,
    party: Party,
    id: String,
    said: u32,
    /// What was spoken and of which nobody knows yet whether it was heard.
    spoken: Vec<OutgoingId>,
}

impl Line<'_> {
    /// The guest calls.
    pub(super) async fn calls(&mut self, by: CallBy, transcript: &mut Transcript) -> Result<(), PlayFault> {
        let receptionist = &self.stage.receptionist;
        self.calls += 1;
        let id = format!("call.{}", self.calls);
        let number = self.number();
        let (guest, key) = match (by, &number) {
            (CallBy::Whatsapp, _) => (self.guest.clone(), receptionist.store.guest_of(&self.guest).await?),
            (CallBy::Number, Some(number)) => {
                let displayed = GuestKey::displayed(number);
                (GuestIds::Other(displayed.clone()), displayed.in_call(&id))
            }
            (CallBy::Number, None) => {
                return Err(PlayFault::Script(
                    "call: number: the guest has none, from: is missing".to_owned(),
                ));
            }
        };
        transcript.aside(match by {
            CallBy::Number => "the guest calls; their number is displayed, and nobody vouches for it",
            CallBy::Whatsapp => "the guest calls on WhatsApp",
        });
        let verified = number.clone().filter(|_| by == CallBy::Whatsapp);
        let caller = Caller { guest, verified, displayed: number, line: None };
        let party = Party {
            guest: key,
            channel: ChannelName::Call,
            medium: Medium::Voice,
            language: "en".to_owned(),
            since: self.stage.clock.now(),
            heard: None,
            last: None,
            written: receptionist.written(&caller).await?,
        };
        let call = Calling { caller, party, id, said: 0, spoken: Vec::new() };
        let called = Said::Event { name: CALLED.to_owned(), data: json!({}) };
        self.spoken(call, called, None, transcript).await
    }

    /// The guest says something in the call, after they heard everything that was said to them.
    pub(super) async fn speaks(
        &mut self,
        mut call: Calling,
        text: &str,
        transcript: &mut Transcript,
    ) -> Result<(), PlayFault> {
        self.hears(&mut call, None).await?;
        call.said += 1;
        let ids = match &call.caller.guest {
            GuestIds::Other(_) => GuestIds::Other(call.party.guest.clone()),
            known => known.clone(),
        };
        let inbound = Inbound {
            channel: ChannelName::Call,
            provider_id: format!("{}:{}", call.id, call.said),
            guest: ids,
            address: call.party.guest.as_str().to_owned(),
            line: None,
            phone: call.caller.verified.clone(),
            name: None,
            text: text.to_owned(),
            content: Content::Text,
            reply_to: None,
            referral: None,
            sent_at: None,
            raw: json!({}),
        };
        let (Received::New(id) | Received::Unanswered(id) | Received::Repeat(id)) =
            self.stage.receptionist.store.receive(&inbound).await?;
        let said = Said::Message { id, text: text.to_owned(), button: None };
        self.spoken(call, said, Some(text), transcript).await
    }

    /// The call is cut off.
    pub(super) async fn hangs_up(
        &mut self,
        mut call: Calling,
        heard: Option<&str>,
        transcript: &mut Transcript,
    ) -> Result<(), PlayFault> {
        self.hears(&mut call, heard).await?;
        if call.caller.is_new() {
            let displayed = call.caller.displayed.as_deref();
            self.stage.receptionist.hung_up(&call.party.guest, displayed).await?;
        }
        transcript.aside(&match heard {
            Some(heard) => format!("the call is cut off; of what was said last they heard: {heard}"),
            None => "the call is cut off".to_owned(),
        });
        Ok(())
    }

    async fn spoken(
        &mut self,
        mut call: Calling,
        said: Said,
        text: Option<&str>,
        transcript: &mut Transcript,
    ) -> Result<(), PlayFault> {
        let receptionist = &self.stage.receptionist;
        let turned = receptionist.turn(&call.party, said, &mut |_: Happening<'_>| {}).await?;
        self.turns += 1;
        let mut line = turned.line(self.turns, text.unwrap_or_default());
        let spoken =
            turned.completed.outgoing.iter().filter(|message| message.via == Some(ChannelName::Call));
        line.replies = spoken.map(ReplyLine::of).collect();
        let (at, count) = (&turned.conversation, line.replies.len());
        call.spoken = receptionist.store.spoken_in(at, turned.completed.revision, count).await?;
        match text {
            Some(_) => transcript.turn(&line),
            None => transcript.unasked(&line),
        }
        let is_over = turned.completed.position.is_over();
        self.arrives(transcript).await?;
        self.call = (!is_over).then_some(call);
        Ok(())
    }

    /// What was said was heard: all of it, or of the last only these words.
    async fn hears(&self, call: &mut Calling, part: Option<&str>) -> Result<(), PlayFault> {
        let store = &self.stage.receptionist.store;
        let last = call.spoken.last().copied();
        for id in std::mem::take(&mut call.spoken) {
            let listened = match part {
                Some(heard) if Some(id) == last => Listened::Part { heard: heard.to_owned(), why: "hung up" },
                Some(_) | None => Listened::Whole(self.stage.clock.now()),
            };
            store.listened(id, &listened).await?;
        }
        // People take a moment; and only what was heard before can have been answered.
        self.stage.clock.advance(std::time::Duration::from_secs(5));
        call.party.since = self.stage.clock.now();
        Ok(())
    }
}
