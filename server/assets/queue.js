// The desk's page: who waits for a person, what was said, and what a person does about it.

import * as api from './api.js';

const ME = 'innkeeper.me';

/** How long after something changed the page looks, so that what comes together is looked at once. */
const TOGETHER_MS = 120;

const WHY = {
  asked_for_person: 'asked for a person',
  not_understood: 'was not understood three times',
  tool_failed: "the hotel's system failed",
  taken_over: 'a person took over',
  flow: 'the flow leads to a person here',
  unknown: 'it cannot be told why',
};

const $ = (id) => document.getElementById(id);

let open = null;
/** Who has the open conversation, as the page shows it. */
let holder = null;
let shown = '';
let looking = null;
let again = false;

/** Looks at the queue and the open conversation; once more where something changed meanwhile. */
function look() {
  if (looking) {
    again = true;
    return looking;
  }
  looking = (async () => {
    try {
      do {
        again = false;
        const { waiting, missed, left } = await api.queue();
        showQueue(waiting);
        showMissed(missed);
        showLeft(left);
        if (open !== null) await showOpen();
      } while (again);
      notice('');
    } catch (problem) {
      notice(problem.message);
    } finally {
      looking = null;
    }
  })();
  return looking;
}

function element(kind, text, className) {
  const made = document.createElement(kind);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function showQueue(waiting) {
  $('nobody').hidden = waiting.length > 0;
  $('waiting-count').textContent = waiting.length ? String(waiting.length) : '';
  const focused = document.activeElement?.dataset?.conversation;
  $('queue').replaceChildren(
    ...waiting.map((waits) => {
      const button = element('button');
      button.type = 'button';
      button.dataset.conversation = waits.conversation;
      if (waits.conversation === open) button.setAttribute('aria-current', 'true');
      const head = element('b');
      head.append(element('span', waits.guest), element('span', ago(waits.waiting_s), 'ago'));
      button.append(head, element('small', `${waits.channel} · ${WHY[waits.why]}`));
      if (waits.last) button.append(element('small', waits.last.text, 'last'));
      const state = waits.taken_by ? `with ${waits.taken_by}` : `${waits.unanswered} unanswered`;
      button.append(element('small', state, 'taken'));
      button.addEventListener('click', () => choose(waits.conversation));
      const item = element('li');
      item.append(button);
      return item;
    }),
  );
  if (focused) $('queue').querySelector(`[data-conversation="${CSS.escape(focused)}"]`)?.focus();
}

/** What nobody answered stays until a person says that they saw to it. */
function showMissed(missed) {
  showUntilDone('missed', missed, api.attended, ({ text, kind }) => [element('p', text || `(${kind})`, 'words')]);
}

/** What could not be sent, too. */
function showLeft(left) {
  showUntilDone('left', left, api.seenTo, ({ text, why }) => {
    const words = [element('p', text, 'words')];
    if (why) words.push(element('small', why, 'failed-why'));
    return words;
  });
}

/** Messages, each with a button for whoever has done what is to be done about it. */
function showUntilDone(section, messages, done, words) {
  $(section).hidden = messages.length === 0;
  $(`${section}-count`).textContent = messages.length ? String(messages.length) : '';
  const list = $(`${section}-list`);
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.message : null;
  list.replaceChildren(
    ...messages.map((one) => {
      const { message, guest, channel, waiting_s: waited } = one;
      const item = element('li', '', 'left');
      const head = element('b');
      head.append(element('span', guest), element('span', ago(waited), 'ago'));
      const button = element('button', 'Done');
      button.type = 'button';
      button.dataset.message = message;
      button.setAttribute('aria-label', `Done: ${guest}`);
      button.addEventListener('click', () => named((by) => done(message, by)));
      item.append(head, element('small', channel), ...words(one), button);
      return item;
    }),
  );
  if (focused) list.querySelector(`[data-message="${CSS.escape(focused)}"]`)?.focus();
}

function ago(seconds) {
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function choose(conversation) {
  open = conversation;
  shown = '';
  look();
}

async function showOpen() {
  let opened;
  try {
    opened = await api.opened(open);
  } catch (problem) {
    if (problem.kind !== 'gone') throw problem;
    // It was given back. What was said stays on the page until another one is chosen.
    open = null;
    shut();
    return;
  }
  const told = JSON.stringify(opened);
  if (told === shown) return;
  shown = told;
  showAbout(opened.handed);
  const scroller = $('scroller');
  $('messages').replaceChildren(...opened.messages.map(row));
  scroller.scrollTop = scroller.scrollHeight;
}

function showAbout({ guest, channel, phone, why, wants, slots, taken_by: takenBy }) {
  $('nothing-open').hidden = true;
  for (const id of ['about', 'composer', 'back']) $(id).hidden = false;
  $('who').textContent = phone && phone !== guest ? `${guest}, ${phone}` : guest;
  $('why').textContent = `On ${channel}; ${WHY[why]}. ${
    takenBy ? `With ${takenBy}.` : 'With nobody yet: whoever writes first has it.'
  }`;
  $('wants').textContent = wants ?? '';
  holder = takenBy;
  $('take').disabled = takenBy !== null && takenBy === me();
  $('take').textContent = takenBy === null || takenBy === me() ? 'Take' : `Take over from ${takenBy}`;
  $('slots').replaceChildren(
    ...Object.entries(slots).map(([name, value]) => {
      const pair = element('div');
      pair.append(element('dt', name), element('dd', brief(value)));
      return pair;
    }),
  );
}

function brief(value) {
  if (value === null || typeof value !== 'object') return String(value);
  if (value.check_in) return `${value.check_in} – ${value.check_out ?? '…'}`;
  return value.name ?? value.reference ?? JSON.stringify(value);
}

function row({ from, by, text, kind, buttons, status, delivery, error }) {
  // The page is the hotel's: what the guest says stands where the other side stands on the guest's own telephone.
  const item = element('li', '', from === 'guest' ? 'row host' : `row guest ${from}`);
  item.dataset.from = from;
  item.dataset.status = delivery ?? status;
  const bubble = element('div', '', 'bubble');
  bubble.append(element('p', text || `(${kind})`, 'words'));
  item.append(bubble);
  const told = [from === 'receptionist' ? 'receptionist' : by];
  if (from !== 'guest') told.push(delivery ?? status);
  told.push(...buttons.map(({ title }) => `[${title}]`));
  item.append(element('span', told.filter(Boolean).join(' · '), 'by'));
  if (error) item.append(element('span', error, 'by failed-why'));
  return item;
}

function shut() {
  for (const id of ['composer', 'back']) $(id).hidden = true;
  $('why').textContent = 'The receptionist has this conversation again.';
}

function me() {
  return $('me').value.trim();
}

function notice(sentence) {
  $('notice').textContent = sentence;
  $('notice').hidden = !sentence;
}

/** Does something with the open conversation. */
async function act(doing) {
  if (open !== null) await named((by) => doing(open, by));
}

/** Does something in the person's name, and looks what came of it. */
async function named(doing) {
  if (!me()) {
    notice('Please say who you are first, above.');
    $('me').focus();
    return;
  }
  try {
    await doing(me());
  } catch (problem) {
    notice(problem.message);
    return;
  }
  await look();
}

$('take').addEventListener('click', () => act((id, by) => api.takeOver(id, by, holder)));
$('composer').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = $('words').value.trim();
  if (!text) return;
  $('send').disabled = true;
  await act(async (id, by) => {
    await api.write(id, by, text);
    $('words').value = '';
  });
  $('send').disabled = false;
});
$('words').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $('composer').requestSubmit();
});
$('back').addEventListener('submit', async (event) => {
  event.preventDefault();
  await act(async (id, by) => {
    await api.giveBack(id, by, $('summary').value.trim() || null);
    $('summary').value = '';
  });
});
$('me').addEventListener('change', () => {
  try {
    localStorage.setItem(ME, me());
  } catch {
    // Without storage the name lasts as long as the page.
  }
});

async function start() {
  try {
    $('me').value = localStorage.getItem(ME) ?? '';
  } catch {
    // Nothing was kept.
  }
  try {
    const { name } = await api.hotel();
    $('hotel').textContent = name;
    document.title = `${name}: desk`;
  } catch (problem) {
    notice(problem.message);
  }
  await look();
  let soon = null;
  const events = new EventSource('/api/queue/events');
  events.addEventListener('changed', () => {
    soon ??= setTimeout(() => {
      soon = null;
      look();
    }, TOGETHER_MS);
  });
  document.body.dataset.ready = 'true';
}

start();
