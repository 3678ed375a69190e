//! What happens to a call, and what its turn machine wants done about it.

use std::time::Duration;

use crate::call::keys::Keys;
use crate::call::pace::Asks;

/// Something that happens to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The line is there.
    Answered,
    /// The caller began to speak.
    TurnStarted,
    /// The words of the caller's turn so far.
    Partial(String),
    /// The caller has probably finished.
    EagerEnd(String),
    /// The caller had not.
    Resumed,
    /// The caller has finished; possibly without a word.
    TurnEnded(String),
    /// A key was pressed.
    Digit(char),
    /// The far end is silent already: the caller interrupted.
    Interrupted,
    /// The turn has its reply.
    Thought(Thought),
    /// The turn has none: something failed.
    Failed,
    /// All that was to be said was played to its end.
    Played,
    /// A wait that was wished for is over.
    Waited(Wait),
    /// What the caller says now is heard late, if at all.
    Late,
    /// Nothing is heard any more.
    LostEars,
    /// Nothing can be said any more but what is kept ready.
    LostVoice,
    /// The front desk has the caller.
    Transferred,
    /// The front desk could not be reached.
    Unreached,
    /// The caller is gone.
    HungUp,
}

/// What a turn came to, as far as its pace is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thought {
    /// Whether there is anything to say.
    pub speaks: bool,
    /// What it asks.
    pub asks: Asks,
    /// What keys may answer.
    pub keys: Keys,
    /// What comes when it was said.
    pub after: After,
}

/// What comes when everything was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// The caller's turn.
    #[default]
    Listen,
    /// The end.
    HangUp,
    /// The front desk.
    Person,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wait {
    /// Whether an interruption brings words.
    Words,
    /// Whether the caller says anything.
    Silence,
    /// Whether a reply takes so long that something must be said meanwhile.
    Filler,
    /// Whether there is a reply at all, before a person takes over.
    Reply,
    /// Whether more keys are pressed.
    Keys,
    /// Whether what is said comes to its end.
    Stuck,
    /// The time that the conversation waits for.
    Due,
}

/// What a turn is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The caller is there.
    Called,
    /// Words.
    Words(String),
    /// Keys: what they say, and the id of what they choose.
    Keys {
        /// The words they stand for.
        text: String,
        /// What they choose.
        button: Option<String>,
    },
    /// Nothing, for so many times in a row.
    Silence(u32),
    /// The time has come that the conversation waited for.
    Due,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Have this answered.
    Think(Turn),
    /// Find out what the answer to these words would be.
    Suppose(String),
    /// That was not all they said.
    Forget,
    /// Say the reply that is there.
    Speak,
    /// Be silent at once: clear what was sent, then call the voice off.
    Hush,
    /// Say what was not heard yet.
    GoOn,
    /// What was not heard yet is not said any more.
    GiveUp,
    /// Say that it takes a moment.
    Filler,
    /// Say this prompt, in place of a reply.
    Say(&'static str),
    /// Say this prompt with the sound that is kept ready.
    SayKept(&'static str),
    /// Wait for this so long; an earlier wait for it is void.
    Wait(Wait, Duration),
    /// Do not wait for this any longer.
    Stop(Wait),
    /// Hear as what is asked now needs it.
    Tune(Asks),
    /// Connect the caller to the front desk.
    Transfer,
    /// End the call.
    HangUp,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The caller's.
    Listening,
    /// Nobody's: the reply is on its way.
    Thinking,
    /// Ours.
    Talking,
    /// The caller's, perhaps.
    Held,
    /// The call is over.
    Closed,
}
