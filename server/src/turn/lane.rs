//! Lanes: one task a guest, for as long as something of theirs is pending.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, OptionFuture};
use statig::prelude::*;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Answerer, Chat, Event, Heard, Pace, Unanswered, Wish};
use crate::clock::{Clock, later};
use crate::fault::chain;
use crate::message::{Gathered, GuestKey, Kind, MessageId, Outgoing};
use crate::store::{Begun, Database, Due, Fault, InboxRow, Outcome};

/// A turn is begun so many times, over restarts too, before a person gets it.
const ATTEMPTS: u32 = 4;

/// The pause before the second try; it doubles.
const BACKOFF: Duration = Duration::from_millis(500);

/// The longest pause.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// How often it is looked whether another program answered.
const ELSEWHERE_EVERY: Duration = Duration::from_millis(500);

/// How often at most.
const ELSEWHERE_LOOKS: u32 = 120;

/// The lanes of all guests. Clones share them.
#[derive(Clone)]
pub struct Lanes(Arc<Inner>);

/// The open lanes. A guest who turned out to be another too has one lane under both keys.
type Open = HashMap<GuestKey, Lane>;

#[derive(Clone)]
struct Lane {
    /// Tells lanes apart that one guest had one after the other.
    number: u64,
    sender: mpsc::UnboundedSender<Submitted>,
}

struct Inner {
    store: Database,
    answerer: Arc<dyn Answerer>,
    clock: Arc<dyn Clock>,
    pace: Pace,
    open: Mutex<Open>,
    /// The messages that were put into lanes and have no outcome yet.
    waiting: Mutex<HashSet<MessageId>>,
    begun: AtomicU64,
}

struct Submitted {
    what: What,
    receipt: oneshot::Sender<()>,
}

enum What {
    Heard(Heard),
    Due(Due),
}

/// Tells when a message has its outcome.
pub struct Receipt(oneshot::Receiver<()>);

impl Receipt {
    /// For a message that another program answers: looks until it has its outcome, or for as long as anybody waits.
    pub fn elsewhere(store: Database, clock: Arc<dyn Clock>, message: MessageId) -> Self {
        let (mut receipt, ended) = oneshot::channel();
        tokio::spawn(async move {
            let decided = async {
                for _ in 0..ELSEWHERE_LOOKS {
                    clock.sleep(ELSEWHERE_EVERY).await;
                    match store.message(message).await {
                        Ok(Some(row)) if row.outcome == Outcome::Pending => {}
                        Ok(_) | Err(_) => return,
                    }
                }
            };
            let is_decided = tokio::select! {
                () = decided => true,
                () = receipt.closed() => false,
            };
            if is_decided {
                // Nobody has to wait for the outcome.
                let _ = receipt.send(());
            }
        });
        Self(ended)
    }

    /// Waits until the message has its outcome.
    pub async fn ended(self) {
        // A lane that is gone will not decide any more: whoever waits must not wait for it.
        let _ = self.0.await;
    }
}

impl Lanes {
    /// Lanes in which `answerer` answers.
    pub fn new(store: Database, answerer: Arc<dyn Answerer>, clock: Arc<dyn Clock>, pace: Pace) -> Self {
        Self(Arc::new(Inner {
            store,
            answerer,
            clock,
            pace,
            open: Mutex::default(),
            waiting: Mutex::default(),
            begun: AtomicU64::new(0),
        }))
    }

    /// Puts a pending message into its guest's lane; once, however often it is put there. The order is that in which
    /// messages were written down.
    pub fn submit(&self, row: &InboxRow) -> Receipt {
        let kind = Kind::parse(&row.kind).unwrap_or(Kind::Unsupported);
        let wait = self.0.pace.after(&row.text, row.button.as_deref(), kind);
        let heard = Heard {
            message: MessageId(row.id),
            at: row.received_at,
            until: later(row.received_at, wait),
            // A turn that was begun before has its fragments already, and may be under way.
            alone: row.button.is_some() || kind != Kind::Text || row.attempts > 0,
        };
        let (receipt, ended) = oneshot::channel();
        let guest = GuestKey::new(row.guest.clone());
        self.0.waiting().insert(heard.message);
        let mut open = self.0.open();
        let mut submitted = Submitted { what: What::Heard(heard), receipt };
        if let Some(lane) = open.get(&guest) {
            match lane.sender.send(submitted) {
                Ok(()) => return Receipt(ended),
                // The lane was torn down from outside; a new one takes over.
                Err(mpsc::error::SendError(back)) => submitted = back,
            }
        }
        self.begin(&mut open, guest, submitted);
        Receipt(ended)
    }

    /// Has a conversation woken, as a turn of its lane. A guest who has one talks already and need not be woken.
    pub fn wake(&self, due: Due) -> Receipt {
        let (receipt, ended) = oneshot::channel();
        let mut open = self.0.open();
        if !open.contains_key(&due.guest) {
            let guest = due.guest.clone();
            self.begin(&mut open, guest, Submitted { what: What::Due(due), receipt });
        }
        Receipt(ended)
    }

    /// The time that lanes go by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Whether a message is in its guest's lane.
    pub fn has(&self, message: MessageId) -> bool {
        self.0.waiting().contains(&message)
    }

    fn begin(&self, open: &mut Open, guest: GuestKey, first: Submitted) {
        let (sender, receiver) = mpsc::unbounded_channel();
        // The receiver is alive: this cannot fail.
        let _ = sender.send(first);
        let number = self.0.begun.fetch_add(1, Ordering::Relaxed);
        open.insert(guest, Lane { number, sender });
        tokio::spawn(Arc::clone(&self.0).run(number, receiver));
    }

    /// Lets the messages of a guest go into the lane that another key of theirs has open, so that they stay in order.
    pub fn join(&self, gone: &GuestKey, guest: &GuestKey) {
        let mut open = self.0.open();
        if !open.contains_key(guest)
            && let Some(lane) = open.get(gone).cloned()
        {
            open.insert(guest.clone(), lane);
        }
    }

    /// The number of lanes in which something is pending.
    pub fn open(&self) -> usize {
        let open = self.0.open();
        let numbers: HashSet<u64> = open.values().map(|lane| lane.number).collect();
        numbers.len()
    }
}

impl Inner {
    fn waiting(&self) -> MutexGuard<'_, HashSet<MessageId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drives one guest's turn machine until nothing is left to do.
    async fn run(self: Arc<Self>, number: u64, mut inbox: mpsc::UnboundedReceiver<Submitted>) {
        let mut machine = Chat::new(self.pace).state_machine();
        let mut wishes = Vec::new();
        // Entering the first state wishes to rest, but there is a message already.
        machine.init_with_context(&mut wishes);
        wishes.clear();
        let mut receipts: HashMap<MessageId, Vec<oneshot::Sender<()>>> = HashMap::new();
        let mut wait: OptionFuture<BoxFuture<'static, ()>> = None.into();
        let mut thought: OptionFuture<JoinHandle<()>> = None.into();
        let mut thinking_of = Vec::new();
        let mut waking: Option<(Due, oneshot::Sender<()>)> = None;
        loop {
            let mut event = Some(tokio::select! {
                biased;
                Some(Submitted { what, receipt }) = inbox.recv() => match what {
                    What::Heard(heard) => {
                        let waiting = receipts.entry(heard.message).or_default();
                        waiting.push(receipt);
                        if waiting.len() > 1 {
                            // It was told of twice.
                            continue;
                        }
                        Event::Heard(heard)
                    }
                    What::Due(due) => {
                        waking = Some((due, receipt));
                        Event::Due
                    }
                },
                Some(_) = &mut thought => {
                    thought = None.into();
                    Event::Answered
                }
                Some(()) = &mut wait => {
                    wait = None.into();
                    Event::Waited
                }
                else => Event::Closed,
            });
            while let Some(happening) = event.take() {
                machine.handle_with_context(&happening, &mut wishes);
                for wish in wishes.drain(..) {
                    match wish {
                        Wish::Wait(until) => wait = Some(self.clock.sleep_until(until)).into(),
                        Wish::Think(messages) => {
                            thinking_of.clone_from(&messages);
                            thought = Some(tokio::spawn(Arc::clone(&self).think(messages))).into();
                        }
                        Wish::Wake => {
                            let due = waking.as_ref().map(|(due, _)| due.clone());
                            thought = Some(tokio::spawn(Arc::clone(&self).wake(due))).into();
                        }
                        Wish::Speak => {
                            if let Some((_, receipt)) = waking.take() {
                                // Nobody has to wait for it.
                                let _ = receipt.send(());
                            }
                            for message in thinking_of.drain(..) {
                                self.waiting().remove(&message);
                                for receipt in receipts.remove(&message).into_iter().flatten() {
                                    // Nobody has to wait for the outcome.
                                    let _ = receipt.send(());
                                }
                            }
                            event = Some(Event::Spoken);
                        }
                        Wish::Rest => {
                            if self.retire(number, &inbox) {
                                return;
                            }
                        }
                    }
                }
                if happening == Event::Closed {
                    return;
                }
            }
        }
    }

    /// Takes the lane out of the books, unless something came meanwhile.
    fn retire(&self, number: u64, inbox: &mpsc::UnboundedReceiver<Submitted>) -> bool {
        let mut open = self.open();
        if !inbox.is_empty() {
            return false;
        }
        open.retain(|_, lane| lane.number != number);
        true
    }

    /// Has a conversation woken. What fails now is tried again when it is next looked for.
    async fn wake(self: Arc<Self>, due: Option<Due>) {
        let Some(due) = due else { return };
        if let Err(fault) = self.answerer.wake(&due).await {
            tracing::error!(conversation = %due.conversation, error = %chain(&fault), "a conversation is not woken");
        }
    }

    /// Has a turn answered. When this returns, its message has an outcome, or its guest is another program's.
    async fn think(self: Arc<Self>, messages: Vec<MessageId>) {
        let Some((lead, fragments)) = messages.split_first() else { return };
        let mut fragments = fragments.to_vec();
        let mut failures = 0;
        loop {
            let turn = match self.store.begin_next_turn(*lead, &fragments).await {
                Ok(Begun::Turn(turn)) => turn,
                // Somebody else will decide it.
                Ok(Begun::Elsewhere) => return,
                // It has become part of a turn before, or was answered elsewhere; what came with it may not have been.
                Ok(Begun::Decided) if !fragments.is_empty() => {
                    return Box::pin(self.think(fragments)).await;
                }
                Ok(Begun::Decided) => return,
                Ok(Begun::Behind(earlier)) => {
                    // They will be told of later, by who wrote them down.
                    for message in earlier {
                        Box::pin(Arc::clone(&self).think(vec![message])).await;
                    }
                    continue;
                }
                Err(fault) => {
                    tracing::error!(message = %lead, error = %chain(&fault), "a turn cannot be begun; trying again");
                    self.pause(&mut failures).await;
                    continue;
                }
            };
            if turn.attempts > ATTEMPTS {
                tracing::error!(message = %lead, attempts = turn.attempts - 1, "a message was never answered");
                return self.give_up(&turn).await;
            }
            match self.answer(&turn).await {
                Ok(()) => return,
                Err(Unanswered::Overtaken) if turn.grows() => {
                    // They are in the queue of this lane too, and will be found to be part of this turn.
                    match self.store.said_after(&turn.guest, turn.channel, turn.last()).await {
                        Ok(more) => fragments.extend(more),
                        Err(fault) => {
                            tracing::error!(message = %lead, error = %chain(&fault), "a turn is planned again as it was");
                        }
                    }
                }
                Err(fault @ Unanswered::Passing(_)) if turn.attempts < ATTEMPTS => {
                    let attempt = turn.attempts;
                    tracing::warn!(message = %lead, attempt, error = %chain(&fault), "a turn is tried again");
                    self.pause(&mut failures).await;
                }
                Err(fault) => {
                    let attempts = turn.attempts;
                    tracing::error!(message = %lead, attempts, error = %chain(&fault), "a message is not answered");
                    return self.give_up(&turn).await;
                }
            }
        }
    }

    /// Answers in a task of its own: a panic there is a fault here.
    async fn answer(&self, turn: &Gathered) -> Result<(), Unanswered> {
        let (answerer, turn) = (Arc::clone(&self.answerer), turn.clone());
        match tokio::spawn(async move { answerer.answer(&turn).await }).await {
            Ok(answered) => answered,
            Err(error) => Err(Unanswered::Lasting(Box::new(error))),
        }
    }

    /// Gives a message to a person, with an apology to the guest.
    async fn give_up(&self, turn: &Gathered) {
        let apology = self.answerer.apology(turn);
        let mut failures = 0;
        loop {
            match self.give_up_once(turn, &apology).await {
                Ok(()) => return,
                Err(fault) => {
                    let error = chain(&fault);
                    tracing::error!(message = %turn.lead, error, "an outcome cannot be recorded; trying again");
                    self.pause(&mut failures).await;
                }
            }
        }
    }

    async fn give_up_once(&self, turn: &Gathered, apology: &[Outgoing]) -> Result<(), Fault> {
        let conversation = self.store.active_conversation(&turn.guest).await?;
        self.store.give_up(turn, Outcome::HandedOver, conversation.as_ref(), apology).await
    }

    async fn pause(&self, failures: &mut u32) {
        let pause = BACKOFF.saturating_mul(1 << (*failures).min(10)).min(LONGEST_BACKOFF);
        *failures += 1;
        self.clock.sleep(pause).await;
    }
}
