//! The way in: a message is written down once, then put into its guest's lane.

use crate::message::{ChannelName, GuestKey, Inbound};
use crate::store::{Database, Fault, Received};
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
        let (received, joined) = self.store.receive_from(inbound).await?;
        match received {
            Received::New(id) => {
                let row = self
                    .store
                    .message(id)
                    .await?
                    .ok_or(Fault::Missing { what: "a message just received" })?;
                if let Some(joined) = joined {
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
    /// stop or a crash left over. Says how many there were. Call it once, before anything is taken.
    ///
    /// # Errors
    /// The database fails.
    pub async fn recover(&self, channels: &[ChannelName]) -> Result<usize, Fault> {
        let mut count = 0;
        for row in self.store.pending().await? {
            if ChannelName::parse(&row.channel).is_some_and(|channel| channels.contains(&channel)) {
                self.lanes.submit(&row);
                count += 1;
            }
        }
        Ok(count)
    }
}
