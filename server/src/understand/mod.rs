//! What a message means: the embedded extractor, and the language model behind it.
//!
//! [`Extractor`] is pure and answers in microseconds. A message becomes tokens (`token`), then atoms, which
//! are numbers and known phrases (`lexicon`); the grammar over atoms reads days and stays, parties, numbers,
//! choices, names, telephone numbers and references, each by the type of a slot and never by its name; what is
//! left says what the guest does (`act`) and wants (`wish`). Every word it knows is in `words.yaml`.
//!
//! [`Understander`] asks the extractor first and a language model only where the extractor is unsure.

mod act;
mod ages;
mod agree;
mod another;
mod arrange;
mod aside;
mod beside;
mod choice;
mod contact;
mod dated;
mod day;
mod decide;
mod extract;
mod feast;
mod lexicon;
mod line;
mod messages;
mod model;
mod name;
mod named;
mod nights;
mod number;
mod offered;
mod party;
mod rename;
mod said;
mod sentence;
mod several;
mod slips;
mod stay;
mod token;
mod wish;
mod words;

pub use extract::Extractor;
pub use line::{LineFault, line};
pub use messages::{MessageWish, MessageWords, SpellWords};
pub use model::{InstructionsFault, Understander};
pub use words::{Words, WordsFault};
