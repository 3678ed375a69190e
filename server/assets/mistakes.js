// What is wrong with the files of flows and prompts as they are now, until it is mended.

import * as api from './api.js';

/** How often they are asked for while somebody looks at the page. */
const EVERY_MS = 2000;

const $ = (id) => document.getElementById(id);

let shown = '[]';

/** Shows the mistakes as long as the page is open. */
export function watch() {
  look();
  setInterval(look, EVERY_MS);
  document.addEventListener('visibilitychange', look);
}

async function look() {
  if (document.hidden) return;
  // Whoever cannot be asked now is asked again.
  const now = await api.flows().catch(() => null);
  if (now) show(now.mistakes);
}

function show(mistakes) {
  const told = JSON.stringify(mistakes);
  if (told === shown) return;
  shown = told;
  $('mistakes').hidden = mistakes.length === 0;
  $('mistakes-title').textContent = title(mistakes.length);
  $('mistakes-list').replaceChildren(...mistakes.map(item));
}

function title(count) {
  if (count === 0) return '';
  return count === 1 ? 'There is a mistake in what was saved' : `There are ${count} mistakes in what was saved`;
}

function item({ file, line, column, message, help, excerpt }) {
  const item = document.createElement('li');
  const place = [file, line, column].filter((part) => part !== null).join(':');
  const pieces = [['b', place], ['span', message], ['pre', excerpt], ['small', help]];
  for (const [kind, text] of pieces) {
    if (!text) continue;
    const piece = document.createElement(kind);
    piece.textContent = text;
    item.append(piece);
  }
  return item;
}
