//! A guest who goes on writing while the answer is being thought of, with the whole receptionist.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use innkeeper::inbox::Taken;
use innkeeper::llm::{Brief, Copied, LanguageModel, ModelFault};
use innkeeper::store::Outcome;
use innkeeper::turn::Receipt;
use tokio::sync::{Notify, Semaphore};

use crate::alarm::Night;
use crate::rig::{Folder, PATIENCE, ana, standing_clock, text_from};

/// A language model that thinks until it is let go, and knows nothing.
#[derive(Debug)]
struct Slow {
    asked: Notify,
    may_answer: Semaphore,
}

#[async_trait]
impl LanguageModel for Slow {
    async fn understand(&self, _brief: &Brief) -> Result<Copied, ModelFault> {
        self.asked.notify_one();
        let _permit = self.may_answer.acquire().await.expect("a gate");
        Err(ModelFault::Garbled { reason: "it knows nothing".to_owned() })
    }
}

async fn writes(night: &Night, id: &str, text: &str) -> Receipt {
    match night.inbox.take(&text_from(&ana(), id, text)).await.expect("no fault") {
        Taken::Waits(receipt) => receipt,
        Taken::Unanswered | Taken::Repeat => unreachable!("a new message waits"),
    }
}

async fn with_a_slow_model(folder: &Folder) -> (Night, Arc<Slow>) {
    let model = Arc::new(Slow { asked: Notify::new(), may_answer: Semaphore::new(0) });
    let thinks: Arc<dyn LanguageModel> = Arc::<Slow>::clone(&model);
    (Night::open_with(folder, &standing_clock(), None, Some(thinks)).await, model)
}

/// While the model thinks of the first message the guest writes this; ends once both have their outcomes.
async fn goes_on(night: &Night, model: &Slow, first: Receipt, text: &str) {
    tokio::time::timeout(PATIENCE, model.asked.notified()).await.expect("the model is asked");
    let second = writes(night, "SM2", text).await;
    model.may_answer.add_permits(100);
    for receipt in [first, second] {
        tokio::time::timeout(PATIENCE, receipt.ended()).await.expect("an outcome in time");
    }
}

#[tokio::test]
async fn what_is_written_while_an_answer_is_thought_of_is_answered_with_it() {
    let folder = Folder::new();
    let (night, model) = with_a_slow_model(&folder).await;
    night.hear("SM0", "I need a room for two from 12 December, please.").await;
    let asked = night.said().await.len();
    let first = writes(&night, "SM1", "As long as my sister will be in town, I suppose.").await;
    goes_on(&night, &model, first, "Two nights.").await;
    let said = night.said().await;
    assert_eq!(said.len(), asked + 1, "one answer to both: {said:#?}");
    assert!(said[asked].contains("view"), "and it goes on from the second: {said:#?}");
    let outcomes = night.store().outcomes().await.expect("counts");
    assert_eq!(outcomes, BTreeMap::from([(Outcome::Answered, 2), (Outcome::Merged, 1)]));
    let conversation = night.store().conversations(1).await.expect("rows").remove(0);
    assert_eq!(conversation.revision, 2, "what was thought of the first alone left nothing");
}

#[tokio::test]
async fn whoever_writes_on_while_a_call_goes_on_in_writing_is_told_that_it_does() {
    let folder = Folder::new();
    let (night, model) = with_a_slow_model(&folder).await;
    night.is_called_by("+34600000001", "I need a room from the twelfth to the fourteenth of December").await;
    let first = writes(&night, "SM1", "As long as my sister will be in town, I suppose.").await;
    goes_on(&night, &model, first, "Two adults.").await;
    let said = night.said().await;
    assert_eq!(said.len(), 1, "one answer to both: {said:#?}");
    assert!(said[0].contains("on the telephone just now") && said[0].contains("view"), "{said:#?}");
}
