// The call page: one call at a time, what is said in it, and what goes on meanwhile.

import * as api from './api.js';
import { Ear, hears } from './ear.js';
import { mouth, speaks } from './mouth.js';
import { Relay } from './relay.js';

const LANGUAGE = 'en-US';
const KEYS = '123456789*0#';

/** More is not shown of what goes on. */
const LONGEST_LINE = 200;

const TURNS = {
  ringing: 'Ringing',
  listening: 'Your turn: the receptionist listens',
  thinking: 'The receptionist looks it up',
  talking: 'The receptionist speaks',
  held: 'The receptionist waits: did you say something?',
  closed: 'The call is over',
  over: 'Not in a call',
};

/** What is logged of what goes on. */
const SEEN = {
  heard: ({ words, whole }) => (whole ? `Heard “${words}”` : `Hears “${words}”`),
  key: ({ key }) => `Key ${key}`,
  interrupted: () => 'Interrupted',
  supposed: ({ words }) => `Looks ahead: “${words}”`,
  forgotten: () => 'That was not all',
  says: ({ words }) => `Says “${words}”`,
  reached: ({ words, whole }) => (whole ? 'Heard to its end' : `Heard as far as “${words}”`),
};

const $ = (id) => document.getElementById(id);

let id = null;
let relay = null;
let ear = null;
let events = null;
let begun = 0;
let clock = 0;
/** The bubble of what is being said, and that of what is being heard. */
let saying = null;
let hearing = null;
/** When the caller's turn ended, and the row in which its times are. */
let ended = 0;
let times = null;
let turns = 0;

async function call() {
  const phone = $('phone').value.replace(/[\s().-]/g, '');
  const wrong = phone && !/^\+[1-9]\d{6,14}$/.test(phone);
  $('phone-wrong').textContent = wrong ? 'A number begins with + and the country code, for example +351 912 345 678.' : '';
  $('phone-wrong').hidden = !wrong;
  if (wrong) return $('phone').focus();
  notice('');
  clear();
  inCall(true);
  turnIs('ringing');
  try {
    ({ id } = await api.begin(phone || null));
    events = api.callEvents(id, happened);
    const address = `${location.origin.replace(/^http/, 'ws')}/api/calls/${encodeURIComponent(id)}/relay`;
    const setup = { sessionId: id, callSid: id, from: phone, to: '', direction: 'inbound', callType: 'BROWSER', customParameters: {} };
    relay = new Relay(address, setup, told, (of) => mouth($('mouth').value, LANGUAGE, of));
    if ($('ear').value === 'spoken') listen();
  } catch (problem) {
    notice(problem.message);
    inCall(false);
    turnIs('over');
  }
}

const told = {
  opened() {
    begun = performance.now();
    clock = setInterval(tick, 500);
    $('words').focus({ preventScroll: true });
  },
  said(text) {
    saying ??= bubble('host', 'Receptionist');
    saying.coming.textContent += text;
    if (ended) {
      timed('first', performance.now() - ended);
      ended = 0;
    }
    toEnd();
  },
  heard(text) {
    if (!saying) return;
    saying.words.textContent += text;
    saying.coming.textContent = saying.coming.textContent.slice(text.length);
  },
  cut() {
    if (!saying) return;
    saying.coming.className = 'unheard';
    saying = null;
  },
  speaking(on) {
    if (!on) saying = null;
  },
  over(why) {
    if (!relay) return;
    note(why === 'lost' ? 'The line was lost.' : 'The call is over.');
    inCall(false);
    turnIs('closed');
  },
};

/** What the server tells of the call. */
function happened(seen) {
  if (seen.what === 'turn') turnIs(seen.turn);
  if (seen.what === 'answered') {
    timed('deciding', seen.took_ms);
    standing();
  }
  const said = SEEN[seen.what]?.(seen);
  if (said) log(said);
}

/** Shows where the conversation stands, and the calls of its last turn. */
async function standing() {
  const { turns: taken } = await api.talk(id).catch(() => ({ turns: [] }));
  const line = taken.at(-1)?.line;
  if (!line) return;
  $('state').textContent = line.state;
  for (const tool of line.tools) log(`${tool.name}: ${tool.outcome}`);
}

function listen() {
  ear = new Ear({
    begins: () => relay?.calls(true),
    words(text, last) {
      relay?.says(text, last);
      shown(text, last);
      if (last) relay?.calls(false);
    },
    lost(why) {
      notice(`This browser's speech recognition does not work here (${why}). Please type what you say.`);
      $('ear').value = 'typed';
    },
  });
  ear.open(LANGUAGE);
}

function say() {
  const text = $('words').value.trim();
  if (!text || !relay) return;
  $('words').value = '';
  relay.says(text, true);
  shown(text, true);
}

/** Shows what the caller says, so far or whole. */
function shown(text, last) {
  hearing ??= bubble('guest', 'You');
  hearing.item.classList.toggle('is-partial', !last);
  hearing.words.textContent = text;
  toEnd();
  if (!last) return;
  hearing = null;
  ended = performance.now();
  turns += 1;
  times = null;
}

function timed(what, took) {
  if (!turns) return;
  if (!times) {
    const row = document.createElement('tr');
    const cells = ['', '–', '–'].map((text) => Object.assign(document.createElement('td'), { textContent: text }));
    cells[0].textContent = String(turns);
    row.append(...cells);
    $('times').tBodies[0].prepend(row);
    $('times').hidden = false;
    $('no-times').hidden = true;
    times = { deciding: cells[1], first: cells[2] };
  }
  times[what].textContent = `${Math.round(took)} ms`;
}

function turnIs(turn) {
  $('receiver').dataset.turn = turn;
  $('turn').textContent = TURNS[turn] ?? turn;
}

function inCall(on) {
  $('call').hidden = on;
  $('hang-up').hidden = !on;
  $('words').disabled = $('say').disabled = !on;
  for (const key of $('pad').children) key.disabled = !on;
  for (const id of ['ear', 'mouth', 'phone']) $(id).disabled = on;
  $('welcome').hidden = on || $('messages').children.length > 0;
  if (on) return;
  clearInterval(clock);
  ear?.close();
  events?.close();
  relay = ear = events = saying = hearing = null;
}

function clear() {
  $('messages').replaceChildren();
  $('events').replaceChildren();
  $('times').tBodies[0].replaceChildren();
  $('times').hidden = true;
  $('no-times').hidden = false;
  $('events-count').textContent = $('clock').textContent = '';
  turns = ended = 0;
  times = null;
}

function bubble(side, who) {
  const item = make('li', `row ${side}`);
  const inner = make('div', 'bubble');
  const text = make('p', 'words');
  const words = make('span');
  const coming = make('span', 'coming');
  text.append(make('span', 'hidden', `${who}: `), words, coming);
  inner.append(text);
  item.append(inner);
  $('messages').append(item);
  return { item, words, coming };
}

function note(text) {
  $('messages').append(make('li', 'note', text));
  toEnd();
}

function log(what) {
  const item = make('li');
  item.append(make('time', '', `${((performance.now() - begun) / 1000).toFixed(2)} s`), make('span', '', what));
  $('events').prepend(item);
  while ($('events').children.length > LONGEST_LINE) $('events').lastChild.remove();
  $('events-count').textContent = String($('events').children.length);
}

function tick() {
  const seconds = Math.floor((performance.now() - begun) / 1000);
  $('clock').textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function toEnd() {
  $('scroller').scrollTop = $('scroller').scrollHeight;
}

function notice(sentence) {
  $('notice').textContent = sentence;
  $('notice').hidden = !sentence;
}

function make(name, className = '', text = '') {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

/** Offers what this browser can do. */
function offer() {
  const [, spokenEar] = $('ear').options;
  const spokenMouth = $('mouth').options[2];
  spokenEar.disabled = !hears;
  spokenMouth.disabled = !speaks('en');
  if (hears && !spokenMouth.disabled) $('mouth').value = 'spoken';
}

$('call').addEventListener('click', call);
$('hang-up').addEventListener('click', () => relay?.hangUp());
$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  say();
});
// Who begins to type begins to speak.
$('words').addEventListener('input', () => relay?.interrupts());
for (const digit of KEYS) {
  const key = make('button', '', digit);
  key.type = 'button';
  key.disabled = true;
  key.addEventListener('click', () => relay?.presses(digit));
  $('pad').append(key);
}
addEventListener('pagehide', () => relay?.hangUp());

async function start() {
  offer();
  globalThis.speechSynthesis?.addEventListener('voiceschanged', offer);
  try {
    const { name } = await api.hotel();
    $('hotel').textContent = name;
    document.title = `${name}: call`;
  } catch (problem) {
    notice(`${problem.message} Reload the page to try again.`);
  }
  document.body.dataset.ready = 'true';
}

start();
