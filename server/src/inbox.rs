//! The way in: a message is written down once, then put into its guest's lane.

use std::sync::Arc;

use crate::clock::Clock;
use crate::fault::chain;
use crate::message::{ChannelName, GuestKey, Inbound};
use crate::store::{Database, Fault, Outcome, Received};
use crate::turn::{Lanes, Receipt};

/// Where channels bring messages.
#[derive(Clone)]
pub struct Inbox {
    store: Database,
    lanes: Lanes,
}

/// What came of bringing a message.
pub enum Taken {
    /// It is written down and waits for its turn.
    Waits(Receipt),
    /// It is written down and asks for no answer.
    Unanswered,
    /// It was there already; nothing was changed.
    Repeat,
}

impl Inbox {
    /// An inbox in front of lanes.
    pub fn new(store: Database, lanes: Lanes) -> Self {
        Self { store, lanes }
    }

    /// Takes a message. When this returns it is on the disk, and its provider can be told so; however often and
    /// however simultaneously it is brought, it is taken once.
    ///
    /// # Errors
    /// The database fails; then the message was not taken and its provider must not be told otherwise.
    pub async fn take(&self, inbound: &Inbound) -> Result<Taken, Fault> {
        let arrived = self.store.arrive(inbound).await?;
        match arrived.received {
            // Whoever has the guest was told.
            Received::New(id) if !arrived.is_ours => {
                let clock = Arc::clone(self.lanes.clock());
                Ok(Taken::Waits(Receipt::elsewhere(self.store.clone(), clock, id)))
            }
            Received::New(_) => {
                let row = arrived.row.ok_or(Fault::Missing { what: "a message just received" })?;
                if let Some(joined) = arrived.joined {
                    self.lanes.join(&joined, &GuestKey::new(row.guest.clone()));
                }
                Ok(Taken::Waits(self.lanes.submit(&row)))
            }
            Received::Unanswered(_) => Ok(Taken::Unanswered),
            Received::Repeat(_) => Ok(Taken::Repeat),
        }
    }

    /// Whose a message is, or will be when it is taken.
    ///
    /// # Errors
    /// The database fails.
    pub async fn guest(&self, inbound: &Inbound) -> Result<GuestKey, Fault> {
        self.store.guest_of(&inbound.guest).await
    }

    /// Puts the messages of these channels that have no outcome back into their lanes, in the order they came: what a
    /// stop or a crash left over, here or in another program. Says how many there were. What is in its lane stays there.
    ///
    /// # Errors
    /// The database fails.
    pub async fn recover(&self, channels: &[ChannelName]) -> Result<usize, Fault> {
        let mut count = 0;
        for id in self.store.waiting(channels).await? {
            if self.lanes.has(id) {
                continue;
            }
            // It may have been answered meanwhile.
            let Some(row) = self.store.message(id).await?.filter(|row| row.outcome == Outcome::Pending)
            else {
                continue;
            };
            if self.store.take_guest(&GuestKey::new(row.guest.clone())).await? {
                self.lanes.submit(&row);
                count += 1;
            }
        }
        Ok(count)
    }

    /// Takes up, for ever, what other programs wrote down for guests of ours, or left behind when they died. Where no
    /// other program can be there is nothing to do.
    pub async fn watch(self, channels: Vec<ChannelName>, clock: Arc<dyn Clock>) {
        let Some(every) = self.store.look_every() else { return };
        let look = async {
            loop {
                tokio::select! {
                    () = self.store.arriving().notified() => {}
                    () = clock.sleep(every) => {}
                }
                if let Err(fault) = self.recover(&channels).await {
                    tracing::error!(error = %chain(&fault), "what other programs left cannot be read; trying again");
                }
            }
        };
        tokio::join!(look, self.store.listen(), self.store.stay_enrolled());
    }
}
