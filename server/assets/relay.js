// The far end of a call in the protocol of Twilio's ConversationRelay: it hears and speaks, the receptionist has words.

export class Relay {
  #socket;
  #told;
  #mouth;
  #speaking = false;
  #began = 0;
  /** What was heard of what is being said. */
  #heard = '';
  #interruptible = true;

  /** `told` is `{opened(), said(text), heard(text), cut(), speaking(on), over(why)}`; `mouth` makes one out of its own. */
  constructor(address, setup, told, mouth) {
    this.#told = told;
    this.#mouth = mouth({
      speaking: (on) => this.#spoke(on),
      played: (text) => {
        this.#heard += text;
        this.#send({ type: 'info', name: 'tokensPlayed', value: text, ts: Date.now() });
        told.heard(text);
      },
    });
    this.#socket = new WebSocket(address);
    this.#socket.onopen = () => {
      this.#send({ type: 'setup', ...setup });
      told.opened();
    };
    this.#socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    this.#socket.onclose = ({ wasClean }) => this.#end(wasClean ? 'ended' : 'lost');
  }

  /** What the caller says, whole or so far. */
  says(text, last) {
    this.interrupts();
    this.#send({ type: 'prompt', voicePrompt: text, lang: 'en-US', last });
  }

  /** The caller's voice begins or ends. */
  calls(on) {
    this.#send({ type: 'info', name: 'clientSpeaking', value: on ? 'on' : 'off', ts: Date.now() });
    if (on) this.interrupts();
  }

  /** The caller begins while we speak. */
  interrupts() {
    if (!this.#speaking || !this.#interruptible) return;
    const after = Math.round(performance.now() - this.#began);
    const heard = this.#heard.trim();
    this.#send({ type: 'interrupt', utteranceUntilInterrupt: heard, durationUntilInterruptMs: String(after) });
    this.#told.cut();
    this.#mouth.stop();
  }

  /** A key of the telephone. */
  presses(digit) {
    this.interrupts();
    this.#send({ type: 'dtmf', digit });
  }

  hangUp() {
    this.#mouth.stop();
    this.#socket.close(1000);
  }

  #take(message) {
    if (message.type === 'text') {
      this.#interruptible = message.interruptible !== false;
      if (!message.token) return;
      this.#told.said(message.token);
      this.#mouth.say(message.token);
    } else if (message.type === 'end') {
      this.#socket.close(1000);
    }
    // Everything else is for telephones.
  }

  #spoke(on) {
    if (on) this.#began = performance.now();
    else this.#heard = '';
    this.#speaking = on;
    this.#send({ type: 'info', name: 'agentSpeaking', value: on ? 'on' : 'off', ts: Date.now() });
    this.#told.speaking(on);
  }

  #send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #end(why) {
    this.#mouth.stop();
    this.#told.over(why);
  }
}
