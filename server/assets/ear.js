// The caller's words, by the browser's own speech recognition where it has one.

const Recognition = globalThis.SpeechRecognition ?? globalThis.webkitSpeechRecognition;

/** Whether this browser can listen at all. */
export const hears = Boolean(Recognition);

/** After these it is no use to listen again. */
const LASTING = ['not-allowed', 'service-not-allowed', 'audio-capture', 'network', 'language-not-supported'];

/** A pause between two attempts, in milliseconds. */
const AGAIN_MS = 250;

export class Ear {
  #recognition = null;
  #wanted = false;
  #told;

  /** `told` is an object of `{begins(), words(text, last), lost(why)}`. */
  constructor(told) {
    this.#told = told;
  }

  /** Listens until it is closed. */
  open(language) {
    const recognition = new Recognition();
    recognition.lang = language;
    recognition.continuous = true;
    recognition.interimResults = true;
    recognition.onspeechstart = () => this.#told.begins();
    recognition.onresult = (event) => {
      let partial = '';
      for (const result of Array.from(event.results).slice(event.resultIndex)) {
        const text = result[0].transcript.trim();
        if (result.isFinal) this.#told.words(text, true);
        else partial += ` ${text}`;
      }
      if (partial.trim()) this.#told.words(partial.trim(), false);
    };
    recognition.onerror = ({ error }) => {
      if (!LASTING.includes(error)) return;
      this.close();
      this.#told.lost(error);
    };
    // Browsers stop by themselves after a while.
    recognition.onend = () => this.#wanted && setTimeout(() => this.#wanted && recognition.start(), AGAIN_MS);
    this.#recognition = recognition;
    this.#wanted = true;
    recognition.start();
  }

  close() {
    this.#wanted = false;
    this.#recognition?.abort();
    this.#recognition = null;
  }
}
