//! A line whose far end hears and speaks by itself.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::Outlet;
use crate::call::machine::Event;
use crate::call::recital::Recital;
use crate::call::script::{Line, LineId, Told};
use crate::channel::line::{FromWords, ToWords};
use crate::clock::Clock;

/// Our end of a line that carries words.
pub(in crate::call) struct WordsEnd {
    signals: mpsc::Receiver<FromWords>,
    orders: Outlet<ToWords>,
    recital: Recital,
    clock: Arc<dyn Clock>,
    /// What happened and was not told yet.
    happened: VecDeque<Event>,
    /// Whether the caller's turn has begun.
    is_turn: bool,
    /// Whether something was said of which the end was not told.
    speaks: bool,
    is_gone: bool,
}

impl WordsEnd {
    /// Our end of this line.
    pub(in crate::call) fn new(
        signals: mpsc::Receiver<FromWords>,
        orders: mpsc::Sender<ToWords>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            signals,
            orders: Outlet::new(orders),
            recital: Recital::default(),
            clock,
            happened: VecDeque::new(),
            is_turn: false,
            speaks: false,
            is_gone: false,
        }
    }

    pub(super) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.happened.pop_front() {
                return event;
            }
            if self.speaks && self.recital.is_over() {
                self.speaks = false;
                return Event::Played;
            }
            let until = self.recital.until();
            let clock = Arc::clone(&self.clock);
            tokio::select! {
                signal = self.signals.recv(), if !self.is_gone => self.signalled(signal),
                () = self.orders.flush_one() => {}
                () = async move {
                    match until {
                        Some(until) => clock.sleep_until(until).await,
                        None => std::future::pending().await,
                    }
                } => self.recital.passed(self.clock.now()),
            }
        }
    }

    fn signalled(&mut self, signal: Option<FromWords>) {
        let now = self.clock.now();
        match signal {
            Some(FromWords::Said { text, last }) => {
                self.turn_begins();
                if last {
                    self.is_turn = false;
                    self.happened.push_back(Event::TurnEnded(text));
                } else {
                    self.happened.push_back(Event::Partial(text));
                }
            }
            Some(FromWords::Interrupted { heard, after }) => {
                self.recital.interrupted(&heard, after, now);
                self.turn_begins();
                self.happened.push_back(Event::Interrupted);
            }
            Some(FromWords::Played(words)) => self.recital.played(&words, now),
            Some(FromWords::Speaking(speaks)) => self.recital.voice(speaks, now),
            Some(FromWords::Calling(true)) => self.turn_begins(),
            Some(FromWords::Calling(false)) => {}
            Some(FromWords::Digit(digit)) => self.happened.push_back(Event::Digit(digit)),
            Some(FromWords::Stopped) | None => {
                self.is_gone = true;
                self.happened.push_back(Event::HungUp);
            }
        }
    }

    fn turn_begins(&mut self) {
        if !self.is_turn {
            self.is_turn = true;
            self.happened.push_back(Event::TurnStarted);
        }
    }

    pub(super) fn say(&mut self, lines: &[Line]) {
        // What was hushed before it goes on first.
        self.go_on();
        let now = self.clock.now();
        for line in lines {
            self.recital.say(line, now);
        }
        self.order(lines.iter().map(|line| line.text.as_str()));
    }

    pub(super) fn hush(&mut self) {
        self.orders.retain(|order| matches!(order, ToWords::End { .. }));
        self.recital.pause(self.clock.now());
    }

    pub(super) fn go_on(&mut self) {
        // Its end may have been heard while it was not known whether the caller speaks.
        self.speaks = true;
        let rest = self.recital.go_on(self.clock.now());
        self.order(rest.iter().map(String::as_str));
    }

    pub(super) fn give_up(&mut self) -> Vec<LineId> {
        self.speaks = false;
        self.recital.cut(self.clock.now())
    }

    pub(super) fn told(&mut self) -> Vec<Told> {
        self.recital.told()
    }

    pub(super) async fn close(&mut self) {
        self.orders.push(ToWords::End { handoff: None });
        self.orders.flush().await;
    }

    fn order<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        let texts: Vec<&str> = texts.collect();
        let last = texts.len().saturating_sub(1);
        for (at, text) in texts.into_iter().enumerate() {
            self.speaks = true;
            let space = if at < last { " " } else { "" };
            let text = format!("{text}{space}");
            self.orders.push(ToWords::Say { text, last: at == last, interruptible: true });
        }
    }
}
