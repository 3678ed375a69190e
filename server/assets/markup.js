// WhatsApp's markup as nodes: *bold*, _italic_, ~struck~ and ```fixed```. Only text nodes are ever made from words.

const MARKS = new Map([['*', 'strong'], ['_', 'em'], ['~', 's']]);
const FENCE = '```';

/** Nodes for a message. With `partial` the rest is still to come: an open mark already counts. */
export function nodes(text, partial = false) {
  const fragment = document.createDocumentFragment();
  text.split(FENCE).forEach((part, i, parts) => {
    const closed = i < parts.length - 1 || partial;
    if (i % 2 === 1 && closed) {
      fragment.append(element('code', document.createTextNode(part)));
    } else {
      fragment.append(...lines(i % 2 === 1 ? FENCE + part : part, partial && i === parts.length - 1));
    }
  });
  return fragment;
}

/** The words without their marks, for people who listen. */
export function plain(text) {
  return nodes(text).textContent;
}

function lines(text, partial) {
  const all = text.split('\n');
  return all.flatMap((line, i) => {
    const parts = spans(line, partial && i === all.length - 1);
    return i ? [document.createElement('br'), ...parts] : parts;
  });
}

function spans(text, partial) {
  const parts = [];
  let words = '';
  let i = 0;
  const flush = () => {
    if (words) parts.push(document.createTextNode(words));
    words = '';
  };
  while (i < text.length) {
    const name = MARKS.get(text[i]);
    const end = name && opens(text, i) ? closing(text, i, partial) : -1;
    if (end < 0) {
      words += text[i];
      i += 1;
      continue;
    }
    flush();
    parts.push(element(name, ...spans(text.slice(i + 1, end), partial && end === text.length)));
    i = end + 1;
  }
  flush();
  return parts;
}

function opens(text, at) {
  return !isWord(text[at - 1]) && text[at + 1] !== undefined && !/\s/.test(text[at + 1]);
}

/** Where the mark that opens at `at` closes; the end of the text if it may still come; else -1. */
function closing(text, at, partial) {
  for (let end = at + 2; end < text.length; end += 1) {
    if (text[end] === text[at] && !/\s/.test(text[end - 1]) && !isWord(text[end + 1])) return end;
  }
  return partial ? text.length : -1;
}

function isWord(character) {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character);
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}
