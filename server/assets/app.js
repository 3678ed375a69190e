// The chat page: one conversation, kept across reloads by its id.

import * as api from './api.js';
import { Chat } from './chat.js';
import * as mistakes from './mistakes.js';
import { Panel } from './panel.js';
import { fromTo, later, weekday } from './values.js';

const KEPT = 'innkeeper.conversation';
const NARROW = matchMedia('(max-width: 720px)');
const FINE_POINTER = matchMedia('(pointer: fine)');

const $ = (id) => document.getElementById(id);
const words = $('words');
const panel = new Panel();
const chat = new Chat((doing) => take(doing, !FINE_POINTER.matches));

let id = null;
let phone = null;
let turns = 0;
let replies = 0;
let busy = false;

/** Tells when something was said in the conversation, here or by a person at the desk. */
let said = null;
let looksAgain = false;

/** Takes a turn and shows all of it. */
async function take(doing, keepFocus = false) {
  if (busy) return;
  setBusy(true);
  notice('');
  const silent = doing.silence === true;
  const row = chat.guest({ text: doing.text, silence: silent });
  panel.begins(silent ? null : doing.text);
  chat.waits();
  if (!keepFocus) words.focus({ preventScroll: true });
  try {
    if (id === null) await begin();
    await follow(doing);
    turns += 1;
  } catch (problem) {
    panel.undo();
    await recover(problem, doing, row);
  } finally {
    chat.answered();
    setBusy(false);
    if (looksAgain) look();
  }
}

async function begin() {
  const begun = await api.begin(phone);
  id = begun.id;
  turns = 0;
  replies = 0;
  keep(id);
  watch();
}

/** Watches the conversation, and no other. */
function watch() {
  said?.close();
  said = id === null ? null : api.saidIn(id, look);
}

/** Shows what was said to the guest beside the page's own turns: by a person at the desk. */
async function look() {
  looksAgain = busy;
  if (busy || id === null) return;
  const looked = id;
  try {
    const talk = await api.talk(looked);
    if (busy || id !== looked) looksAgain = id === looked;
    else if (talk.turns.length !== turns || count(talk) !== replies) render(talk);
  } catch {
    // Whatever is wrong will be said when the guest writes.
  }
}

function count(talk) {
  return talk.turns.reduce((sum, { line }) => sum + line.replies.length, 0);
}

/** Shows a turn while it happens; it must come to its end. */
async function follow(doing) {
  let line = null;
  for await (const { name, data } of api.take(id, { ...doing, turn: turns + 1 })) {
    if (name === 'trace') panel.trace(data);
    else if (name === 'called') panel.called(data);
    else if (name === 'answered') panel.answered(data);
    else if (name === 'reply') chat.reply(data);
    else if (name === 'turn') line = data;
    else if (name === 'fault') throw new api.Refused('other', data.error);
  }
  if (line === null) throw new api.Refused('lost', 'The connection to the receptionist was lost.');
  panel.turned(line);
  replies += line.replies.length;
  if (line.ended) chat.says('This conversation has ended. The next message begins another.');
}

/** Says what went wrong, or puts it right. */
async function recover(problem, doing, row) {
  if (!(problem instanceof api.Refused)) {
    row.failed('The page could not show the answer.', () => again(doing));
    throw problem;
  }
  chat.settle();
  if (problem.kind === 'gone') {
    forget();
    row.failed('The receptionist no longer has this conversation. Trying again begins a new one.', () => again(doing));
  } else if (problem.kind === 'moved') {
    await show();
    if (!words.value && doing.text && !doing.button) {
      words.value = doing.text;
      grow();
    }
    notice(problem.message);
  } else {
    row.failed(problem.message, () => again(doing));
  }
}

/** Tries again what failed, unless it got through after all. */
async function again(doing) {
  if (busy) return;
  if (id !== null) {
    const known = turns;
    setBusy(true);
    const shown = await show().catch(() => false);
    setBusy(false);
    if (shown && turns > known) return;
  }
  await take(doing);
}

/** Shows the kept conversation from its beginning. False where there is none any more. */
async function show() {
  let talk;
  try {
    talk = await api.talk(id);
  } catch (problem) {
    if (problem.kind !== 'gone') throw problem;
    forget();
    return false;
  }
  render(talk);
  return true;
}

function render(talk) {
  chat.clear();
  panel.clear();
  playing(talk.phone);
  turns = talk.turns.length;
  replies = count(talk);
  for (const { line, silent, elsewhere, button, happened } of talk.turns) {
    chat.past(line, { silent, elsewhere, button });
    panel.begins(silent ? null : line.guest);
    for (const { event, data } of happened) {
      if (event === 'trace') panel.trace(data);
      else if (event === 'called') panel.called(data);
      else if (event === 'answered') panel.answered(data);
    }
    panel.turned(line);
    if (line.ended) chat.says('This conversation has ended. The next message begins another.');
  }
}

function keep(value) {
  try {
    localStorage.setItem(KEPT, value);
  } catch {
    // Without storage the conversation lasts as long as the page.
  }
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function forget() {
  id = null;
  turns = 0;
  replies = 0;
  watch();
  try {
    localStorage.removeItem(KEPT);
  } catch {
    // Nothing was kept.
  }
}

function playing(number) {
  phone = number ?? null;
  $('playing').textContent = phone ? `As the guest with ${phone}` : 'As an unknown guest';
}

function notice(sentence) {
  $('notice').textContent = sentence;
  $('notice').hidden = !sentence;
}

function setBusy(now) {
  busy = now;
  $('chat').setAttribute('aria-busy', String(now));
  $('silence').disabled = now;
  sendable();
}

function sendable() {
  $('send').disabled = busy || !words.value.trim();
}

function grow() {
  words.style.height = 'auto';
  words.style.height = `${words.scrollHeight}px`;
  sendable();
}

function send() {
  const text = words.value.trim();
  if (!text || busy) return;
  words.value = '';
  grow();
  take({ text });
}

function suggest(today) {
  const friday = later(today, ((5 - weekday(today) + 7) % 7) + 7);
  const suggestions = [
    `Hi, a room with a sea view for two from ${fromTo(friday, later(friday, 2))} please`,
    'Do you have anything free next weekend?',
    'Is there parking, and until when is breakfast?',
    'I would like to cancel my booking',
  ];
  $('suggestions').replaceChildren(
    ...suggestions.map((text) => {
      const item = document.createElement('li');
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = text;
      button.addEventListener('click', () => take({ text }, !FINE_POINTER.matches));
      item.append(button);
      return item;
    }),
  );
}

function setDetails(open) {
  const sheet = open && NARROW.matches;
  document.body.classList.toggle('shows-details', sheet);
  $('open-details').setAttribute('aria-expanded', String(sheet));
  $('shade').hidden = !sheet;
  $('details').inert = NARROW.matches && !sheet;
  for (const other of [$('top'), $('chat')]) other.inert = sheet;
  if (sheet) $('close-details').focus();
}

function closeDetails() {
  if (!document.body.classList.contains('shows-details')) return;
  setDetails(false);
  $('open-details').focus();
}

function startAnew(number) {
  forget();
  chat.clear();
  panel.clear();
  notice('');
  playing(number);
  words.focus();
}

$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  send();
});
words.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
words.addEventListener('input', grow);
$('silence').addEventListener('click', () => {
  closeDetails();
  take({ silence: true }, true);
});

$('open-details').addEventListener('click', () => setDetails(true));
$('close-details').addEventListener('click', closeDetails);
$('shade').addEventListener('click', closeDetails);
document.addEventListener('keydown', (event) => event.key === 'Escape' && closeDetails());
NARROW.addEventListener('change', () => setDetails(false));

$('new').addEventListener('click', () => {
  $('phone-wrong').hidden = true;
  $('begin').showModal();
});
$('keep').addEventListener('click', () => $('begin').close());
$('phone').addEventListener('focus', () => {
  $('begin-form').elements.who.value = 'known';
});
$('begin-form').addEventListener('submit', (event) => {
  const known = $('begin-form').elements.who.value === 'known';
  const number = $('phone').value.replace(/[\s().-]/g, '');
  if (known && !/^\+[1-9]\d{6,14}$/.test(number)) {
    event.preventDefault();
    $('phone-wrong').textContent = 'A number begins with + and the country code, for example +351 912 345 678.';
    $('phone-wrong').hidden = false;
    $('phone').focus();
    return;
  }
  startAnew(known ? number : null);
});

async function start() {
  setDetails(false);
  playing(null);
  grow();
  try {
    const { name, today } = await api.hotel();
    $('hotel').textContent = name;
    document.title = `${name}: chat`;
    suggest(today);
    id = kept();
    if (id !== null) {
      if (await show()) watch();
      else notice('The earlier conversation is no longer there; this is a new one.');
    }
  } catch (problem) {
    notice(`${problem.message} Reload the page to try again.`);
  }
  if (FINE_POINTER.matches) words.focus({ preventScroll: true });
  mistakes.watch();
  document.body.dataset.ready = 'true';
}

start();
