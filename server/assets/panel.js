// Beside the chat: where the conversation stands, what it knows, which tools it called, every step.

import { sentence } from './steps.js';
import { named, pretty } from './values.js';

/** Older states than these are not drawn. */
const LONGEST_TRAIL = 14;

export class Panel {
  #state = document.getElementById('state');
  #trail = document.getElementById('trail');
  #slots = document.getElementById('slots');
  #slotsOf = document.getElementById('slots-of');
  #noSlots = document.getElementById('no-slots');
  #tools = document.getElementById('tools');
  #toolsCount = document.getElementById('tools-count');
  #noTools = document.getElementById('no-tools');
  #steps = document.getElementById('steps');
  #stepsCount = document.getElementById('steps-count');
  #path = [];
  #known = new Map();
  #order = new Map();
  #knownBy = '';
  #turnSteps = null;
  #open = [];
  #turn = 0;

  /** Takes everything away. */
  clear() {
    const none = make('span', 'none', 'Waits for the first message.');
    this.#state.replaceChildren(none);
    delete this.#state.dataset.state;
    this.#trail.replaceChildren();
    this.#tools.replaceChildren();
    this.#steps.replaceChildren();
    this.#path = [];
    this.#known.clear();
    this.#order.clear();
    this.#knownBy = '';
    this.#open = [];
    this.#turn = 0;
    this.#showSlots(new Set());
    this.#counts();
  }

  /** A turn begins. */
  begins(words) {
    this.#turn += 1;
    for (const step of this.#path) step.isNew = false;
    const item = make('li', 'turn');
    item.append(make('p', 'said', words === null ? 'Silence' : `“${words}”`));
    this.#turnSteps = make('ol');
    item.append(this.#turnSteps);
    this.#steps.prepend(item);
  }

  /** A turn that did not happen. */
  undo() {
    this.#turnSteps?.parentElement.remove();
    this.#turnSteps = null;
    this.#turn -= 1;
    this.#counts();
  }

  trace(trace) {
    const line = make('li', `step ${trace.trace}`);
    line.append(...sentence(trace).map((part) => (Array.isArray(part) ? make('code', '', part[0]) : part)));
    this.#turnSteps?.append(line);
    if (trace.trace === 'entered') {
      this.#path.push({ flow: trace.flow, state: trace.state, isNew: true });
      this.#showState(`${trace.flow}.${trace.state}`);
      this.#showTrail();
    }
    if (trace.trace === 'filled' && !this.#order.has(trace.slot)) this.#order.set(trace.slot, this.#order.size);
    if (trace.trace === 'ended') {
      const last = this.#path.findLast((step) => step.flow === trace.flow);
      if (last) last.outcome = trace.outcome;
      this.#showTrail();
    }
    this.#counts();
  }

  called({ name, arguments: given }) {
    const item = make('li', 'tool is-open');
    item.dataset.tool = name;
    const box = make('details');
    const summary = make('summary');
    const title = make('span', 'title');
    title.append(make('code', 'name', name), make('span', 'brief', brief(given)));
    summary.append(make('span', 'dot'), title, make('span', 'outcome', 'calling…'));
    box.append(summary, facts('Sent', given));
    item.append(box);
    this.#tools.prepend(item);
    this.#open.push({ name, item });
    this.#counts();
  }

  answered({ name, outcome, message, result }) {
    const at = this.#open.findIndex((call) => call.name === name);
    if (at < 0) return;
    const [{ item }] = this.#open.splice(at, 1);
    const kind = outcome === 'ok' ? 'went-well' : outcome === 'unknown' ? 'went-wrong' : 'was-refused';
    item.className = `tool ${kind}`;
    item.querySelector('.outcome').textContent = outcome === 'ok' ? 'ok' : named(outcome);
    const box = item.querySelector('details');
    if (message) box.append(part('Answered', make('p', 'message', message)));
    if (result !== undefined && result !== null) {
      const text = make('pre', '', JSON.stringify(result, null, 2));
      text.tabIndex = 0;
      text.setAttribute('role', 'region');
      text.setAttribute('aria-label', `What ${name} answered`);
      box.append(part('Answered', text));
    }
  }

  /** The turn is over: what holds now. */
  turned({ state, slots, ended }) {
    this.#open = [];
    // An earlier turn on flows that are no longer there: what they were is not known.
    if (!state) return;
    this.#showState(state, ended);
    const flow = state.split('.')[0];
    const names = Object.keys(slots);
    // The root chart has no slots of its own: what a finished flow knew stays in sight until another begins.
    if (names.length === 0 && this.#known.size > 0 && flow !== this.#knownBy) {
      this.#showSlots(new Set(), true);
      return;
    }
    const isSame = flow === this.#knownBy;
    const changed = new Set(names.filter((name) => !isSame || !alike(this.#known.get(name), slots[name])));
    this.#knownBy = flow;
    // In the order in which the guest said them; a value that nobody said is last.
    const rank = (name) => this.#order.get(name) ?? Infinity;
    this.#known = new Map(names.sort((one, other) => rank(one) - rank(other) || 0).map((name) => [name, slots[name]]));
    this.#showSlots(changed);
  }

  #showState(state, ended = false) {
    if (this.#state.dataset.state === state && !ended) return;
    this.#state.dataset.state = state;
    const [flow, name] = split(state);
    this.#state.replaceChildren(make('span', 'flow', named(flow)), make('strong', '', named(name)));
    if (ended) this.#state.append(make('span', 'over', 'ended'));
  }

  #showTrail() {
    const groups = [];
    for (const step of this.#path.slice(-LONGEST_TRAIL)) {
      const last = groups.at(-1);
      if (last?.flow === step.flow && !last.outcome) {
        last.steps.push(step);
        last.outcome = step.outcome;
      } else {
        groups.push({ flow: step.flow, steps: [step], outcome: step.outcome });
      }
    }
    const lists = groups.map(({ flow, steps, outcome }, i) => {
      const group = make('div', 'run');
      const label = make('span', groups.length === 1 && !outcome ? 'hidden' : 'run-name', named(flow));
      const list = make('ol');
      list.setAttribute('aria-label', `States of ${named(flow)}, oldest first`);
      steps.forEach((step, j) => {
        const item = make('li', step.isNew ? 'is-new' : '', named(step.state));
        if (i === groups.length - 1 && j === steps.length - 1) item.setAttribute('aria-current', 'step');
        list.append(item);
      });
      group.append(label, list);
      if (outcome) label.append(make('span', 'run-outcome', named(outcome)));
      return group;
    });
    this.#trail.replaceChildren(...lists);
    this.#trail.scrollTop = this.#trail.scrollHeight;
  }

  #showSlots(changed, finished = false) {
    const rows = [...this.#known].map(([name, value]) => {
      const row = make('tr', changed.has(name) ? 'is-changed' : '');
      row.dataset.slot = name;
      const head = make('th', '', named(name));
      head.scope = 'row';
      const cell = make('td');
      const { text, note } = pretty(value);
      cell.append(make('span', 'value', text));
      if (note) cell.append(make('small', '', note));
      if (changed.has(name)) cell.append(make('span', 'hidden', ' (new)'));
      row.append(head, cell);
      return row;
    });
    this.#slots.tBodies[0].replaceChildren(...rows);
    this.#slots.hidden = rows.length === 0;
    this.#noSlots.hidden = rows.length > 0;
    this.#slotsOf.textContent = finished ? `${named(this.#knownBy)}, finished` : '';
  }

  #counts() {
    const calls = this.#tools.childElementCount;
    const steps = this.#steps.querySelectorAll('.step').length;
    this.#toolsCount.textContent = calls ? String(calls) : '';
    this.#stepsCount.textContent = steps ? String(steps) : '';
    this.#noTools.hidden = calls > 0;
  }
}

/** The arguments in one line. */
function brief({ start_date, end_date, ...rest }) {
  const dates = start_date && end_date ? { dates: { start_date, end_date } } : { start_date, end_date };
  const values = Object.values({ ...dates, ...rest }).filter((value) => value !== undefined);
  return values.map((value) => pretty(value).text).join(' · ');
}

function facts(title, given) {
  const list = make('dl');
  for (const [name, value] of Object.entries(given)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    list.append(make('dt', '', name), make('dd', '', text));
  }
  return part(title, Object.keys(given).length ? list : make('p', 'message', 'Nothing.'));
}

function part(title, content) {
  const box = make('div', 'part');
  box.append(make('h4', '', title), content);
  return box;
}

function split(state) {
  const dot = state.indexOf('.');
  return dot < 0 ? ['', state] : [state.slice(0, dot), state.slice(dot + 1)];
}

function alike(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

function make(name, className = '', text = '') {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
