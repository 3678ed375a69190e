//! What is said, and the facts it holds on to: they are copied only if they change before the step is over.

use std::sync::Arc;

use super::Machine;
use crate::effect::{Effect, Elsewhere, Expecting, SaidOf, Say};
use crate::facts::Snapshot;
use crate::flow::{FlowId, Flows, Sends};
use crate::input::Moment;
use crate::position::{Frame, Position, Said};
use crate::slot::Invalid;

impl<'f> Machine<'f, '_> {
    /// Says a prompt over the active flow's facts.
    pub(super) fn say(&mut self, prompt: &Arc<str>, expecting: Expecting, invalid: Option<Invalid>) -> u32 {
        if self.dry {
            return self.position.says;
        }
        self.position.says += 1;
        let id = self.position.says;
        // A read-back is confirmed only while it is the last thing said.
        if self.frame().read_back.is_some() {
            self.frame_mut().read_back = None;
        }
        let said = Said {
            say: id,
            prompt: Arc::clone(prompt),
            expecting,
            page: self.page,
            invalid,
            flow: self.frame().flow,
        };
        self.utter(said);
        id
    }

    /// Says a prompt elsewhere than here: nothing is asked by it, and it is not among what is said again.
    pub(super) fn send(&mut self, sends: &Sends, asked: bool) {
        if self.dry {
            return;
        }
        self.unsettled.push((self.moved.effects.len(), self.frame().flow));
        let say = Say {
            id: 0,
            prompt: Arc::clone(&sends.prompt),
            expecting: Expecting::Anything,
            page: 0,
            invalid: None,
            facts: SaidOf::Nothing,
        };
        self.moved.effects.push(Effect::Send(Elsewhere { to: Arc::clone(&sends.to), say, asked }));
    }

    /// Says the last turn's messages once more.
    pub(super) fn say_again(&mut self) {
        for mut said in std::mem::take(&mut self.position.last_said) {
            self.position.says += 1;
            let before = std::mem::replace(&mut said.say, self.position.says);
            let reads = self.frame().read_back.as_ref().is_some_and(|read| read.say == before);
            if reads && let Some(read) = self.frame_mut().read_back.as_mut() {
                read.say = said.say;
                read.conveyed = false;
            }
            self.utter(said);
        }
    }

    fn utter(&mut self, said: Said) {
        self.unsettled.push((self.moved.effects.len(), said.flow));
        self.moved.effects.push(Effect::Say(Say {
            id: said.say,
            prompt: Arc::clone(&said.prompt),
            expecting: said.expecting.clone(),
            page: said.page,
            invalid: said.invalid.clone(),
            facts: SaidOf::Nothing,
        }));
        if std::mem::take(&mut self.position.silent) {
            self.position.last_said.clear();
            // What is said again may be about the flow that has ended.
            self.position.ended = self.position.ended.take().filter(|ended| ended.flow == said.flow);
        }
        self.position.last_said.push(said);
    }

    /// Lets what was said hold on to the facts as they are, before they change.
    pub(super) fn settle_says(&mut self) {
        if !self.unsettled.is_empty() {
            let unsettled = std::mem::take(&mut self.unsettled);
            let stands = Position::copy_of(self.position);
            settle(
                self.flows,
                &stands,
                self.moment,
                &unsettled,
                self.event.as_ref(),
                &mut self.moved.effects,
            );
        }
    }

    /// The active flow's frame, for a change that expressions and prompts can see.
    #[inline]
    pub(super) fn facts_mut(&mut self) -> &mut Frame {
        self.settle_says();
        self.position.frame_mut()
    }
}

/// Lets what was said, by its place among the effects and its flow, hold on to the facts of a position.
pub(super) fn settle(
    flows: &Flows,
    stands: &Position,
    moment: Moment,
    unsettled: &[(usize, FlowId)],
    event: Option<&Arc<serde_json::Value>>,
    effects: &mut [Effect],
) {
    for (place, flow) in unsettled {
        let (Some(_), Some(flow)) = (stands.about(*flow), flows.shared(*flow)) else { continue };
        if let Some(Effect::Say(say) | Effect::Send(Elsewhere { say, .. })) = effects.get_mut(*place) {
            let now = stands.now(flows, moment);
            say.facts = SaidOf::Flow(Box::new(Snapshot::of(flow, stands.clone(), now, event.cloned())));
        }
    }
}
