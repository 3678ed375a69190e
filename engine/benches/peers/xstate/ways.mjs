// The ways XState's documentation shows to run a machine turn by turn, each with a store it can find a conversation in.

import { createActor, initialTransition, transition } from "xstate";

/** An actor that is made from its saved snapshot for every turn, and saved again as JSON. */
export class RestoredActors {
  name = "actor restored each turn, JSON in a Map";
  saved = new Map();

  constructor(machine) {
    this.machine = machine;
  }

  turn(conversation, said) {
    const text = this.saved.get(conversation);
    const actor = createActor(this.machine, text === undefined ? {} : { snapshot: JSON.parse(text) }).start();
    actor.send({ type: "said", ...said });
    this.saved.set(conversation, JSON.stringify(actor.getPersistedSnapshot()));
    const asked = actor.getSnapshot().value;
    actor.stop();
    return asked;
  }

  stored(conversation) {
    return Buffer.byteLength(this.saved.get(conversation));
  }
}

/** An actor that stays alive, whose snapshot is saved as JSON after every turn; it is found by the conversation's id. */
export class SavedActors {
  name = "live actor, JSON in a Map each turn";
  saved = new Map();
  actors = new Map();

  constructor(machine) {
    this.machine = machine;
  }

  turn(conversation, said) {
    let actor = this.actors.get(conversation);
    if (actor === undefined) {
      actor = createActor(this.machine).start();
      this.actors.set(conversation, actor);
    }
    actor.send({ type: "said", ...said });
    this.saved.set(conversation, JSON.stringify(actor.getPersistedSnapshot()));
    return actor.getSnapshot().value;
  }

  stored(conversation) {
    return Buffer.byteLength(this.saved.get(conversation));
  }
}

/** The pure transition function between snapshots that are saved as JSON. */
export class PureSaved {
  name = "pure transition, JSON in a Map";
  saved = new Map();

  constructor(machine) {
    this.machine = machine;
  }

  turn(conversation, said) {
    const text = this.saved.get(conversation);
    const before =
      text === undefined ? initialTransition(this.machine)[0] : this.machine.resolveState(JSON.parse(text));
    const [after] = transition(this.machine, before, { type: "said", ...said });
    this.saved.set(conversation, JSON.stringify(after));
    return after.value;
  }

  stored(conversation) {
    return Buffer.byteLength(this.saved.get(conversation));
  }
}

/** Live actors, found by the conversation's id; nothing is saved. */
export class LiveActors {
  name = "live actor, nothing saved";
  actors = new Map();

  constructor(machine) {
    this.machine = machine;
  }

  turn(conversation, said) {
    let actor = this.actors.get(conversation);
    if (actor === undefined) {
      actor = createActor(this.machine).start();
      this.actors.set(conversation, actor);
    }
    actor.send({ type: "said", ...said });
    return actor.getSnapshot().value;
  }
}

/** The pure transition function between snapshots that are kept as they are; nothing is saved. */
export class PureLive {
  name = "pure transition, nothing saved";
  snapshots = new Map();

  constructor(machine) {
    this.machine = machine;
  }

  turn(conversation, said) {
    const before = this.snapshots.get(conversation) ?? initialTransition(this.machine)[0];
    const [after] = transition(this.machine, before, { type: "said", ...said });
    this.snapshots.set(conversation, after);
    return after.value;
  }
}

/** Every way, under the row that it competes for. */
export const WAYS = {
  "": [RestoredActors, PureSaved],
  ", actors kept": [SavedActors],
  ", nothing saved": [LiveActors, PureLive],
};
