// The receptionist's words: by the browser's own voice, or shown word by word at a pace.

/** Characters a second: as people speak, and as people read. */
const SPOKEN = 15;
const QUICK = 150;

/** How often shown words go on, in milliseconds. */
const TICK_MS = 40;

/** Whether this browser has a voice for a language. */
export function speaks(language) {
  const synthesis = globalThis.speechSynthesis;
  if (!synthesis) return false;
  return synthesis.getVoices().some((voice) => voice.lang.toLowerCase().startsWith(language.toLowerCase()));
}

/** A mouth of that kind: `spoken`, `shown` or `quick`. `told` is `{speaking(on), played(text)}`. */
export function mouth(kind, language, told) {
  return kind === 'spoken' ? new Voice(language, told) : new Pace(kind === 'quick' ? QUICK : SPOKEN, told);
}

/** Words that count as heard when their time has come. */
class Pace {
  #rest = '';
  #timer = 0;
  #before = 0;
  #owed = 0;
  #speed;
  #told;

  constructor(speed, told) {
    this.#speed = speed;
    this.#told = told;
  }

  say(text) {
    this.#rest += text;
    if (this.#timer || !this.#rest) return;
    this.#told.speaking(true);
    this.#before = performance.now();
    this.#owed = 0;
    this.#timer = setInterval(() => this.#go(), TICK_MS);
  }

  /** Says nothing more of it. */
  stop() {
    this.#rest = '';
    this.#silent();
  }

  #go() {
    const now = performance.now();
    this.#owed += ((now - this.#before) / 1000) * this.#speed;
    this.#before = now;
    let ready = '';
    for (;;) {
      const [word] = /^\s*\S+\s*/.exec(this.#rest) ?? [this.#rest];
      if (!word || word.length > this.#owed) break;
      this.#owed -= word.length;
      this.#rest = this.#rest.slice(word.length);
      ready += word;
    }
    if (ready) this.#told.played(ready);
    if (!this.#rest) this.#silent();
  }

  #silent() {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#told.speaking(false);
  }
}

/** The browser's own voice. */
class Voice {
  #language;
  #told;
  #open = new Set();

  constructor(language, told) {
    this.#language = language;
    this.#told = told;
  }

  say(text) {
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.lang = this.#language;
    let heard = 0;
    const upTo = (end) => {
      if (end <= heard || !this.#open.has(utterance)) return;
      this.#told.played(text.slice(heard, end));
      heard = end;
    };
    utterance.onstart = () => this.#open.has(utterance) && this.#told.speaking(true);
    // A word is heard when the next one begins.
    utterance.onboundary = ({ charIndex }) => upTo(charIndex);
    const over = (whole) => {
      if (whole) upTo(text.length);
      if (this.#open.delete(utterance) && !this.#open.size) this.#told.speaking(false);
    };
    utterance.onend = () => over(true);
    utterance.onerror = () => over(false);
    this.#open.add(utterance);
    speechSynthesis.speak(utterance);
  }

  stop() {
    const spoke = this.#open.size > 0;
    this.#open.clear();
    speechSynthesis.cancel();
    if (spoke) this.#told.speaking(false);
  }
}
