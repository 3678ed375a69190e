//! The hotel's tools, over a wire that can be lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use innkeeper::clock::Clock;
use innkeeper::tools::Address;
use serde_json::{Value as Json, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::io::{duplex, split};
use tokio::sync::watch;

use crate::support::loss::{Loss, Presence};

/// The call that books.
const BOOKS: &str = "create_booking";

/// What can be told about the booking call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Booking {
    /// It is on its way to the hotel.
    Asked,
    /// Its answer is on its way back.
    Answered,
}

type Told = Box<dyn FnMut(Booking) + Send>;

/// The wire to the hotel's tools. Clones share it.
#[derive(Clone)]
pub(super) struct Wire {
    /// Whether it is there.
    pub(super) presence: Presence,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The requests that were not answered.
    open: BTreeSet<String>,
    /// Those of them that book.
    bookings: BTreeSet<String>,
    told: Option<Told>,
}

impl Wire {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { presence: Presence::default(), clock, state: Arc::default() }
    }

    /// This is told of the booking call.
    pub(super) fn tells(&self, told: impl FnMut(Booking) + Send + 'static) {
        self.state().told = Some(Box::new(told));
    }

    /// Whether something is asked and not answered because the wire is lost.
    pub(super) fn withholds(&self) -> bool {
        self.presence.now() != Loss::None && !self.state().open.is_empty()
    }

    /// The way to the same tools over this wire.
    pub(super) fn to(&self, address: Address) -> Address {
        let Address::Embedded(open) = address else { panic!("the hotel is not embedded") };
        let wire = self.clone();
        Address::Embedded(Box::new(move || {
            let (wire, hotel) = (wire.clone(), open());
            Box::pin(async move {
                let (ours, theirs) = duplex(1 << 20);
                if wire.presence.now() != Loss::Refused {
                    let hotel = hotel.await;
                    tokio::spawn(async move { wire.carry(theirs, hotel).await });
                }
                ours
            })
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the wire")
    }

    async fn carry(self, client: DuplexStream, hotel: DuplexStream) {
        let mut loss = self.presence.watch();
        let (from_client, to_client) = split(client);
        let (from_hotel, to_hotel) = split(hotel);
        let to_client = tokio::sync::Mutex::new(to_client);
        tokio::select! {
            () = self.asks(BufReader::new(from_client).lines(), to_hotel, &to_client) => {}
            () = self.answers(BufReader::new(from_hotel).lines(), &to_client) => {}
            () = cut(&mut loss) => {}
        }
        self.state().open.clear();
    }

    async fn asks(
        &self,
        mut lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
        mut hotel: WriteHalf<DuplexStream>,
        client: &tokio::sync::Mutex<WriteHalf<DuplexStream>>,
    ) {
        while let Ok(Some(line)) = lines.next_line().await {
            let asked: Json = serde_json::from_str(&line).expect("a message");
            let id = asked["id"].to_string();
            if !asked["id"].is_null() {
                self.state().open.insert(id.clone());
            }
            if asked["params"]["name"] == BOOKS {
                self.state().bookings.insert(id.clone());
                self.tell(Booking::Asked);
                // Whoever is to be lost now is.
                tokio::task::yield_now().await;
            }
            match self.presence.now() {
                Loss::Hangs => {}
                Loss::Error if !asked["id"].is_null() => {
                    self.state().open.remove(&id);
                    let error = json!({"code": -32603, "message": "it failed"});
                    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "error": error});
                    write(&mut *client.lock().await, &answer.to_string()).await;
                }
                Loss::Garbage if !asked["id"].is_null() => write(&mut *client.lock().await, "}{").await,
                Loss::None | Loss::Refused | Loss::Cut | Loss::Error | Loss::Garbage | Loss::Slow => {
                    write(&mut hotel, &line).await;
                }
            }
        }
    }

    async fn answers(
        &self,
        mut lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
        client: &tokio::sync::Mutex<WriteHalf<DuplexStream>>,
    ) {
        while let Ok(Some(line)) = lines.next_line().await {
            let answer: Json = serde_json::from_str(&line).expect("a message");
            let id = answer["id"].to_string();
            if self.state().bookings.remove(&id) {
                self.tell(Booking::Answered);
                tokio::task::yield_now().await;
            }
            match self.presence.now() {
                Loss::Hangs => continue,
                Loss::Garbage => {
                    write(&mut *client.lock().await, "}{").await;
                    continue;
                }
                Loss::Slow => self.clock.sleep(self.presence.later()).await,
                Loss::None | Loss::Refused | Loss::Cut | Loss::Error => {}
            }
            self.state().open.remove(&id);
            write(&mut *client.lock().await, &line).await;
        }
    }

    fn tell(&self, booking: Booking) {
        let told = self.state().told.take();
        if let Some(mut told) = told {
            told(booking);
            self.state().told = Some(told);
        }
    }
}

/// Waits until the wire is cut.
async fn cut(loss: &mut watch::Receiver<Loss>) {
    while loss.changed().await.is_ok() {
        if matches!(*loss.borrow_and_update(), Loss::Refused | Loss::Cut) {
            return;
        }
    }
    std::future::pending().await
}

async fn write(to: &mut WriteHalf<DuplexStream>, line: &str) {
    // Whoever is gone is noticed by reading.
    let _ = to.write_all(format!("{line}\n").as_bytes()).await;
}
