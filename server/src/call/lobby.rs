//! Where a call waits until it is known whose it is, and where it ends when that cannot be found out: nobody hears
//! nothing meanwhile.

use std::collections::VecDeque;

use super::Shared;
use super::ends::End;
use super::machine::{CALL_BACK, Event, ONE_MOMENT, PUTTING_THROUGH, STILL_BUSY};
use super::script::{Line, LineId};
use super::turns::Turns;
use crate::channel::line::Control;
use crate::clock::later;
use crate::reply::Medium;
use crate::store::Fault as StoreFault;

/// The last of the lines that are said here. Those of a call begin at the other end.
const LAST_LINE: u64 = u64::MAX;

/// What became of a caller.
pub(super) enum Met {
    /// It is known who they are; this happened meanwhile.
    Known {
        /// Theirs.
        turns: Box<Turns>,
        /// What happened, the oldest first.
        before: VecDeque<Event>,
    },
    /// It cannot be found out.
    Unknown(StoreFault),
    /// It takes too long.
    Late,
    /// They hung up.
    Gone,
}

/// Finds out who calls. Where that takes its time they are told so.
pub(super) async fn meet(
    shared: &Shared,
    end: &mut End,
    turns: impl Future<Output = Result<Turns, StoreFault>>,
) -> Met {
    let (pace, clock) = (&shared.manners.pace, shared.clock());
    let began = clock.now();
    let mut turns = std::pin::pin!(turns);
    let mut before = VecDeque::new();
    let mut speaks_at = later(began, pace.filler);
    let mut said = 0;
    loop {
        tokio::select! {
            turns = &mut turns => return match turns {
                Ok(turns) => Met::Known { turns: Box::new(turns), before },
                Err(fault) => Met::Unknown(fault),
            },
            event = end.next() => {
                if event == Event::HungUp {
                    return Met::Gone;
                } else if event == Event::Played {
                    speaks_at = later(clock.now(), pace.again);
                } else {
                    before.push_back(event);
                }
            }
            () = clock.sleep_until(later(began, pace.reply)) => return Met::Late,
            () = clock.sleep_until(speaks_at) => {
                say(shared, end, if said == 0 { ONE_MOMENT } else { STILL_BUSY }, said);
                said += 1;
                speaks_at = later(clock.now(), pace.unheard);
            }
        }
    }
}

/// Puts a caller through to the front desk of whom nothing can be found out; where that cannot be, says so and ends.
pub(super) async fn leave(shared: &Shared, mut end: End, call: &str, control: &dyn Control) {
    end.hush();
    end.give_up();
    say(shared, &mut end, PUTTING_THROUGH, u64::from(u32::MAX));
    if !is_heard(shared, &mut end).await {
        return;
    }
    match control.transfer().await {
        Ok(()) => return,
        Err(fault) => {
            tracing::warn!(call, error = %fault, "a caller could not be connected to the front desk")
        }
    }
    say(shared, &mut end, CALL_BACK, u64::from(u32::MAX) + 1);
    if is_heard(shared, &mut end).await {
        end.close().await;
    }
    if let Err(fault) = control.hang_up().await {
        tracing::warn!(call, error = %fault, "a call could not be ended at its provider");
    }
}

/// Waits until what was said was heard, or should have been. False where the caller is gone.
async fn is_heard(shared: &Shared, end: &mut End) -> bool {
    let until = later(shared.clock().now(), shared.manners.pace.reply);
    loop {
        tokio::select! {
            event = end.next() => {
                // Nothing else that they do changes it.
                if matches!(event, Event::HungUp | Event::Played) {
                    return event == Event::Played;
                }
            }
            () = shared.clock().sleep_until(until) => return true,
        }
    }
}

fn say(shared: &Shared, end: &mut End, prompt: &'static str, number: u64) {
    let text = shared.receptionist.phrase(prompt, Medium::Voice, super::LANGUAGE);
    if !text.is_empty() {
        let line = Line { id: LineId(LAST_LINE - number), text };
        end.say_kept(&line, shared.kept(prompt).as_ref());
    }
}
