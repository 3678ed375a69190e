//! What waits to be taken by somebody else's task.

use std::collections::VecDeque;

use tokio::sync::mpsc;

/// Orders in a line of their own: giving one never waits, and what is no longer wanted is taken back.
#[derive(Debug)]
pub(in crate::call) struct Outlet<T> {
    sender: mpsc::Sender<T>,
    waiting: VecDeque<T>,
}

impl<T> Outlet<T> {
    /// To this sender.
    pub(in crate::call) fn new(sender: mpsc::Sender<T>) -> Self {
        Self { sender, waiting: VecDeque::new() }
    }

    /// Gives an order, after those that wait.
    pub(in crate::call) fn push(&mut self, order: T) {
        if self.waiting.is_empty() {
            match self.sender.try_send(order) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(order) | mpsc::error::TrySendError::Closed(order)) => {
                    self.waiting.push_back(order);
                }
            }
        } else {
            self.waiting.push_back(order);
        }
    }

    /// Takes back those that wait and are not wanted any more.
    pub(in crate::call) fn retain(&mut self, is_wanted: impl FnMut(&T) -> bool) {
        self.waiting.retain(is_wanted);
    }

    /// Waits until one that waited was taken; for ever where none waits, or nobody takes any.
    pub(in crate::call) async fn flush_one(&mut self) {
        if self.waiting.is_empty() {
            return std::future::pending().await;
        }
        match self.sender.reserve().await {
            Ok(place) => {
                if let Some(order) = self.waiting.pop_front() {
                    place.send(order);
                }
            }
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits until all that wait were taken, or nobody takes any.
    pub(in crate::call) async fn flush(&mut self) {
        while !self.waiting.is_empty() {
            match self.sender.reserve().await {
                Ok(place) => {
                    if let Some(order) = self.waiting.pop_front() {
                        place.send(order);
                    }
                }
                Err(_) => return,
            }
        }
    }
}
