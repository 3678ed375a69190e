// The chat: bubbles, replies that appear as they come, buttons, and a scroll that follows only who is at the end.

import { nodes, plain } from './markup.js';

/** Closer to the end than this many pixels, the reader wants to see what comes. */
const NEAR = 72;

/** A reply of any length has appeared after this time. */
const LONGEST_REVEAL_MS = 700;
const MS_PER_CHARACTER = 5;

/** The answer is on its way this long before the three dots are shown. */
const DOTS_AFTER_MS = 140;

const still = matchMedia('(prefers-reduced-motion: reduce)');

export class Chat {
  #scroller = document.getElementById('scroller');
  #log = document.getElementById('log');
  #messages = document.getElementById('messages');
  #welcome = document.getElementById('welcome');
  #toEnd = document.getElementById('to-end');
  #replies = new Map();
  #dots = null;
  #dotsTimer = 0;
  #follows = true;
  #press;

  /** `press` is told of a button that was pressed: `{button, text}`. */
  constructor(press) {
    this.#press = press;
    this.#scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#toEnd.addEventListener('click', () => this.#scrollToEnd());
    new ResizeObserver(() => this.#follows && this.#scrollToEnd(true)).observe(this.#scroller);
  }

  /** Takes everything away. */
  clear() {
    this.settle();
    this.#messages.replaceChildren();
    this.#welcome.hidden = false;
    this.#follows = true;
    this.#toEnd.hidden = true;
  }

  /** Shows what the guest did. Returns `{failed(sentence, again), gone()}`. */
  guest({ text, silence }) {
    this.settle();
    this.#welcome.hidden = true;
    this.#retireButtons();
    this.#follows = true;
    const item = silence ? note('The guest stays silent.') : bubble('guest', 'You', text);
    this.#append(item);
    this.#scrollToEnd();
    return {
      failed: (sentence, again) => {
        const line = make('p', 'failed');
        line.setAttribute('role', 'alert');
        line.append(make('span', '', sentence));
        const retry = make('button', 'link', 'Try again');
        retry.type = 'button';
        retry.addEventListener('click', () => {
          item.remove();
          again();
        });
        line.append(' ', retry);
        item.append(line);
        item.classList.add('is-failed');
        this.#keepEnd();
      },
      gone: () => item.remove(),
    };
  }

  /** Shows that an answer is on its way. */
  waits() {
    this.#log.setAttribute('aria-busy', 'true');
    clearTimeout(this.#dotsTimer);
    this.#dotsTimer = setTimeout(() => {
      this.#dots = make('li', 'row host dots');
      this.#dots.setAttribute('aria-hidden', 'true');
      const inner = make('div', 'bubble');
      inner.append(make('i'), make('i'), make('i'));
      this.#dots.append(inner);
      this.#append(this.#dots);
    }, DOTS_AFTER_MS);
  }

  /** A piece of a reply, or its end with what can be pressed. */
  reply({ reply: number, text, buttons }) {
    this.#hideDots();
    let shown = this.#replies.get(number);
    if (!shown) {
      const item = bubble('host', 'Receptionist', '');
      this.#append(item);
      shown = new Appearing(item, () => this.#keepEnd());
      this.#replies.set(number, shown);
    }
    if (text) shown.more(text);
    if (buttons) shown.ends(() => this.#buttons(shown.item, buttons));
  }

  /** Nothing more comes in this turn. */
  answered() {
    this.#hideDots();
    Promise.all([...this.#replies.values()].map((shown) => shown.finished)).then(() =>
      this.#log.removeAttribute('aria-busy'),
    );
  }

  /** Shows at once what was still appearing. */
  settle() {
    this.#hideDots();
    for (const shown of this.#replies.values()) shown.settle();
    this.#replies.clear();
    this.#log.removeAttribute('aria-busy');
  }

  /** Shows a turn of the past, with what a person wrote after it. */
  past({ guest, replies }, { silent, elsewhere, button }) {
    if (button) {
      const pressed = [...this.#messages.querySelectorAll('button.reply:enabled')].find((one) => one.dataset.id === button);
      pressed?.classList.add('was-pressed');
    }
    if (elsewhere) this.#retireButtons();
    else this.guest({ text: guest, silence: silent });
    for (const { text, buttons, by } of replies) {
      const item = bubble('host', by ?? 'Receptionist', text);
      if (by) item.append(make('span', 'by', by));
      this.#append(item);
      this.#buttons(item, buttons);
    }
  }

  /** A line between messages. */
  says(sentence) {
    this.#append(note(sentence));
    this.#keepEnd();
  }

  #buttons(item, buttons) {
    if (!buttons.length) return;
    const group = make('div', 'replies');
    group.setAttribute('role', 'group');
    group.setAttribute('aria-label', 'Quick answers');
    for (const { id, title } of buttons) {
      const button = make('button', 'reply', title);
      button.type = 'button';
      button.dataset.id = id;
      button.addEventListener('click', () => {
        button.classList.add('was-pressed');
        this.#press({ button: id, text: title });
      });
      group.append(button);
    }
    item.append(group);
    this.#keepEnd();
  }

  /** Buttons answer the last message only. */
  #retireButtons() {
    for (const button of this.#messages.querySelectorAll('button.reply:enabled')) button.disabled = true;
  }

  #append(item) {
    this.#messages.append(item);
    this.#keepEnd();
  }

  #hideDots() {
    clearTimeout(this.#dotsTimer);
    this.#dots?.remove();
    this.#dots = null;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#follows = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#follows) this.#toEnd.hidden = true;
  }

  #keepEnd() {
    if (this.#follows) this.#scrollToEnd(true);
    else this.#toEnd.hidden = false;
  }

  #scrollToEnd(atOnce = still.matches) {
    this.#follows = true;
    this.#toEnd.hidden = true;
    this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior: atOnce ? 'instant' : 'smooth' });
  }
}

/** A reply that appears character by character while its pieces come. */
class Appearing {
  #words;
  #text = '';
  #shown = 0;
  #began = 0;
  #end = null;
  #frame = 0;
  #grown;
  #done;

  constructor(item, grown) {
    this.item = item;
    this.#words = item.querySelector('.words');
    this.#grown = grown;
    this.finished = new Promise((done) => {
      this.#done = done;
    });
  }

  more(text) {
    this.#text += text;
    this.#next();
  }

  ends(then) {
    this.#end = then;
    this.#next();
  }

  settle() {
    this.#shown = this.#text.length;
    this.#show();
  }

  #next() {
    // A page in the background paints nothing: there the words appear at once.
    if (still.matches || document.hidden) this.settle();
    else if (!this.#frame) this.#frame = requestAnimationFrame((now) => this.#step(now));
  }

  #step(now) {
    this.#frame = 0;
    this.#began ||= now;
    const whole = Math.min(LONGEST_REVEAL_MS, this.#text.length * MS_PER_CHARACTER);
    const part = whole ? Math.min(1, (now - this.#began + 16) / whole) : 1;
    this.#shown = Math.max(this.#shown, Math.ceil(this.#text.length * part));
    this.#show();
    if (this.#shown < this.#text.length) this.#next();
  }

  #show() {
    const whole = this.#shown >= this.#text.length && this.#end !== null;
    this.#words.replaceChildren(nodes(this.#text.slice(0, this.#shown), !whole));
    if (whole && this.#done) {
      cancelAnimationFrame(this.#frame);
      this.#end();
      this.#done();
      this.#done = null;
    }
    this.#grown();
  }
}

function bubble(side, who, text) {
  const item = make('li', `row ${side}`);
  const inner = make('div', 'bubble');
  const words = make('div', 'words');
  if (side === 'guest') words.textContent = text;
  else words.append(nodes(text));
  inner.append(make('span', 'hidden', `${who}: `), words);
  item.append(inner);
  return item;
}

function note(sentence) {
  return make('li', 'note', plain(sentence));
}

function make(name, className = '', text = '') {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
