//! What every key of the language means, as an editor shows it. Text is Markdown.

/// A key with what it means.
pub(super) type Told = (&'static str, &'static str);

/// The keys of a file.
pub(super) const FILE: &[Told] = &[
    ("flow", "The flow's name. The root chart, the parent of every flow, is called `conversation`."),
    ("description", "What the guest wants with it, in one sentence. The language model reads this to route."),
    ("examples", "Sentences a guest asks for it with. The embedded extractor learns from them."),
    ("events", "Named events of its own, sent from outside or raised by a flow. Any flow may handle them."),
    ("slots", "What the guest can be asked for, by name."),
    ("initial", "The state it begins in; without it the first one."),
    ("on", "What every state inherits: cases by event. The root chart answers what is not here."),
    ("states", "The states by name. Names are unique in a flow at any depth."),
    ("enabled", "`false` switches off the flow of this name that comes with the program."),
    ("was", "What the flow was called in earlier versions. Live conversations move by it."),
    (
        "never",
        "What must never be. The checker goes through every way there is, and prints one that violates it as a \
         conversation.",
    ),
    ("always", "What must always be, checked before the flow runs."),
];

/// The keys of a state, whatever it does.
pub(super) const STATE: &[Told] = &[
    ("say", "A prompt that is said on entering, after `entry`."),
    ("collect", "Asks for these slots, one question at a time. Several answers may come in one message."),
    ("invoke", "Calls this tool. One that writes needs the guest's yes to everything it is sent."),
    ("run", "Runs this flow and goes on when it has ended."),
    ("with", "What is given along: expressions by name."),
    ("each", "A list. What the state does is done for every item of it, and the result is a list."),
    ("as", "What expressions call the item of `each`."),
    ("save", "The name of the result. It is stale as soon as anything changes that it was computed from."),
    (
        "fresh_for",
        "How long the result is fresh, for example `5m`. Afterwards it is computed again before it is used.",
    ),
    (
        "retry",
        "How often the call is repeated when no answer comes. A key makes sure that it is done only once.",
    ),
    ("timeout", "How long an answer is waited for, each time, for example `5s`."),
    (
        "cache",
        "How long an answer to the same arguments may be used again, for any conversation. Only for tools that read.",
    ),
    ("done", "Where it goes afterwards."),
    (
        "error",
        "Where a failure goes. Guards see `error.code`. Without it, `tool_failed` of the root chart answers.",
    ),
    (
        "unknown",
        "Where a call goes whose outcome nobody knows. Without it, `error` with the code `outcome_unknown`.",
    ),
    ("confirm", "Reads these values back, by the prompt `confirm_<flow>`, and waits for an explicit yes."),
    (
        "send",
        "Sends this prompt to the guest elsewhere. Asks first, by the prompt `consent_<to>`, and waits for an explicit yes; \
         where nobody has to ask it goes on as after a yes, and where it cannot be sent as after a no.",
    ),
    ("to", "The way it is sent. `guest.reach` has those there are now."),
    ("yes", "Where a yes goes."),
    ("no", "Where a no goes."),
    ("ask", "Asks an open question, a prompt. Whatever slot the answer fills or changes takes it on."),
    ("wait", "Rests until something happens."),
    ("held", "A person has the conversation. Only a named event leaves it. Only in the root chart."),
    ("final", "Ends the state it is in; without one the flow. The value is the outcome, for example `done`."),
    ("output", "What the flow returns to the one that ran it: an expression or a mapping of them."),
    ("target", "Where it goes."),
    ("always", "Cases that are taken as soon as their guard holds, before any event."),
    ("after", "Cases by time, counted from entering, for example `10m`. They survive a restart."),
    (
        "on",
        "Cases by event. What is not here, the state around it answers, then the flow, then the root chart.",
    ),
    ("entry", "What is done on entering, in the order written."),
    ("exit", "What is done on leaving, in the order written."),
    ("states", "States in this state: one of them is active, or with `parallel: true` all."),
    ("initial", "The state that is entered with it, at any depth; without it the first one."),
    ("parallel", "`true` makes its states regions that are active at the same time."),
    (
        "history",
        "Leads back to where the state around it was last left: to its own state, or `deep` to the innermost one.",
    ),
    ("was", "What the state was called in earlier versions. Live conversations move by it."),
];

/// What some keys of a state mean more exactly beside what it does.
pub(super) const BESIDE: &[(&str, &str, &str)] = &[
    ("collect", "target", "Where it goes when nothing is missing."),
    ("ask", "target", "Where it goes once answered."),
    (
        "history",
        "target",
        "Where it leads while the state around it was never left: a state, or a list of them.",
    ),
    ("", "target", "Where it goes, at once."),
    ("", "always", "Where it goes, at once. The first case whose guard holds is taken."),
    ("invoke", "with", "The tool's arguments: expressions by name. What is absent is left out."),
    ("run", "with", "Slots of that flow that are filled before it begins: expressions by name."),
    (
        "invoke",
        "each",
        "A list. The tool is called for every item, all at once, and the result is a list. Only for tools that read.",
    ),
    ("run", "each", "A list. The flow is run for every item, one after the other, and the result is a list."),
    ("run", "save", "The name under which the flow's output is saved."),
    ("invoke", "done", "Where an answer goes."),
    ("run", "done", "Where it goes when the flow has ended. Guards see `outcome`."),
    (
        "states",
        "done",
        "Where it goes when one of its final states is entered; with `parallel` when all regions are final.",
    ),
    ("states", "say", "A prompt that is said on entering it, before anything its states say."),
];

/// The keys of a case.
pub(super) const CASE: &[Told] = &[
    ("guard", "A condition over slots, results and facts. The first case whose guard holds is taken."),
    ("say", "A prompt that is said on the way."),
    ("say_again", "Says the last messages once more."),
    (
        "ask_again",
        "Whether the open question is asked again afterwards. What a guest says defaults to `true`.",
    ),
    ("clear", "Slots that are emptied on the way. It starts no repair."),
    ("set", "Slots that are filled on the way, with expressions."),
    ("raise", "A named event that happens after this."),
    (
        "target",
        "Where it goes: a state of this flow or of the root chart, or a list of states in different regions.",
    ),
    ("reenter", "Leaves the state and enters it again, where the target is inside it."),
    (
        "run",
        "A flow that is run now, and then back to where the guest was. `requested` is the one they asked for.",
    ),
    ("next_page", "Says the next page of the list on offer."),
    ("previous_page", "Says the page before of the list on offer; the first one again where there is none."),
    ("queue", "The flow that the guest asked for waits until nothing else runs."),
    ("undo", "Takes back the guest's last change."),
];

/// The keys of an action.
pub(super) const ACTION: &[Told] = &[
    ("say", "A prompt that is said."),
    ("clear", "Slots that are emptied."),
    ("set", "Slots that are filled, with expressions."),
    ("raise", "A named event that happens after this."),
];

/// The keys under `retry`.
pub(super) const RETRY: &[Told] = &[
    ("times", "Repetitions after the first try."),
    ("backoff", "The pause before the first repetition, for example `300ms`. It doubles."),
];

/// The keys of something that must never be.
pub(super) const NEVER: &[Told] = &[
    ("state", "The state that is meant, or a list of them."),
    (
        "guard",
        "What must not be then: slots and results, `stale(…)` and `confirmed(…)`, with `and`, `or`, `not`.",
    ),
    ("call", "The tool that is meant."),
    ("unless", "`confirmed`: unless the guest said yes to everything that is sent."),
    ("because", "Why, for whoever violates it."),
];

/// The keys of something that must always be.
pub(super) const ALWAYS: &[Told] = &[
    ("state", "The state that is meant, or a list of them."),
    (
        "holds",
        "What must be then: slots and results, `stale(…)` and `confirmed(…)`, with `and`, `or`, `not`.",
    ),
    ("before", "The state that is meant, or a list of them."),
    ("passed", "The state that every way to it goes through, or a list of them."),
    ("because", "Why, for whoever violates it."),
];

/// The keys of a slot.
pub(super) const SLOT: &[Told] = &[
    ("type", "What kind of value it takes. Words are understood by type, never by the slot's name."),
    ("optional", "Asked once. Without an answer, or with “I don't mind”, it stays out of calls."),
    ("default", "An expression that is tried before the guest is asked, for example `guest.name`."),
    ("remember", "Keeps the value for the guest's next conversation."),
    ("merge", "What becomes of a value when another is heard: it is replaced, kept, added to."),
    ("was", "What the slot was called in earlier versions. Live conversations move by it."),
    ("min", "The smallest allowed."),
    ("max", "The largest allowed."),
    ("max_nights", "The longest stay."),
    ("max_length", "The most characters; without it 500."),
    (
        "unit",
        "The nouns that are counted, for example `[room, rooms]`: a number before one of them is the value.",
    ),
    ("options", "The list, written here."),
    ("from", "The list in a saved result, for example `offers.rooms`. The value is the whole item."),
    ("key", "The field that identifies an item."),
    ("label", "The field that names an item to a guest."),
    ("words", "Further fields whose words also mean the item."),
    ("sets", "Slots that choosing an item fills from its fields of the same name."),
];

/// The types of slots.
pub(super) const TYPES: &[Told] = &[
    ("date_range", "Nights from an arrival up to a departure. One question, any wording."),
    ("date", "One day."),
    ("party", "Adults and children who travel together."),
    ("choice", "One of a list."),
    ("boolean", "Yes or no."),
    ("integer", "A whole number."),
    ("text", "Free words, as said."),
    ("person_name", "A person's name, as said."),
    ("phone", "A telephone number."),
    ("reference", "A reference code of letters and digits."),
];

/// The ways to merge.
pub(super) const MERGES: &[Told] = &[
    ("replace", "The new one counts."),
    ("keep", "The first one counts."),
    ("append", "The new words are put below the ones before."),
    ("max", "The larger one counts."),
    ("min", "The smaller one counts."),
    ("sum", "Both are added."),
];

/// The events that every conversation has.
pub(super) const EVENTS: &[Told] = &[
    ("affirm", "The guest says yes, and nothing asked for it."),
    ("deny", "The guest says no, and nothing asked for it."),
    ("cancel", "The guest wants to stop."),
    ("change", "The guest wants something changed and did not say what to."),
    ("undo", "The guest takes back what they said last. Guards see `undoable`."),
    ("more", "The guest wants to hear more of the list."),
    ("repeat", "The guest wants to hear it again."),
    (
        "previous",
        "The guest wants to hear again what was offered before. Without an answer it counts as `more`.",
    ),
    ("wait", "The guest wants a moment: neither a yes nor a no."),
    ("price", "The guest asks what it costs, and nothing else. Without an answer it counts as `question`."),
    ("help", "The guest asks what is possible."),
    ("human", "The guest wants a person."),
    ("greet", "A greeting and nothing else."),
    ("thank", "Thanks and nothing else."),
    ("bye", "A goodbye."),
    ("question", "A question about the place."),
    ("start", "The wish for a flow. Guards see `busy`: whether another one runs."),
    ("wish", "A wish that was put aside can be taken up now."),
    ("unclear", "Nothing was understood. Guards see `unclear`, the number of times in a row."),
    ("unreadable", "A message that has no words: a picture, a place."),
    ("silence", "The guest says nothing. Guards see `silence`, the number of times in a row."),
    ("tool_failed", "A tool failed and the state has no `error`. Guards see `error.code`."),
    ("*", "Any named event. Guards see `event.name` and `event.data`."),
];

/// What a key means.
pub(super) fn told(words: &[Told], key: &str) -> &'static str {
    words.iter().find(|(known, _)| *known == key).map_or("", |(_, told)| told)
}

/// What a key of a state means beside what the state does.
pub(super) fn told_beside(does: &str, key: &str) -> &'static str {
    let beside = BESIDE.iter().find(|(known, name, _)| *known == does && *name == key);
    beside.map_or_else(|| told(STATE, key), |(_, _, told)| told)
}
