// The console's requests. Every failure becomes a Refused, with a sentence to show.

export class Refused extends Error {
  constructor(kind, sentence) {
    super(sentence);
    this.kind = kind; // "lost" (no answer came), "gone" (no such conversation), "moved" (it went on elsewhere), "other"
  }
}

const LOST = 'The connection to the receptionist was lost.';

/** What every page may say about the hotel. */
export function hotel() {
  return asked('GET', '/api/hotel');
}

/** The flows that new conversations use, and the mistakes in their files as they are now. */
export function flows() {
  return asked('GET', '/api/flows');
}

/** Begins a conversation; `phone` counts as verified. */
export function begin(phone) {
  return asked('POST', '/api/conversations', phone ? { phone } : {});
}

/** A conversation with all its turns. */
export function talk(id) {
  return asked('GET', `/api/conversations/${encodeURIComponent(id)}`);
}

/** Takes a turn and yields what happens, `{name, data}`, as it happens. */
export async function* take(id, doing) {
  const response = await answer('POST', `/api/conversations/${encodeURIComponent(id)}/turns`, doing, 'text/event-stream');
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(() => {
        throw new Refused('lost', LOST);
      });
      rest += decoder.decode(value, { stream: !done });
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parsed(block);
        if (event) yield event;
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Calls `changed` when something was said in a conversation, until it is closed. */
export function saidIn(id, changed) {
  const source = new EventSource(`/api/conversations/${encodeURIComponent(id)}/events`);
  source.addEventListener('changed', changed);
  return source;
}

/** Tells `happened` of everything that goes on in a call, `{what, …}`, until it is closed. */
export function callEvents(id, happened) {
  const source = new EventSource(`/api/calls/${encodeURIComponent(id)}/events`);
  source.addEventListener('seen', ({ data }) => happened(JSON.parse(data)));
  return source;
}

/** The conversations that wait for a person or are with one, what nobody answered, and what only a person can deliver. */
export function queue() {
  return asked('GET', '/api/queue');
}

/** One of them with what was said. */
export function opened(id) {
  return asked('GET', `/api/queue/${encodeURIComponent(id)}`);
}

/** Takes one. */
export function takeOver(id, by, from) {
  return asked('POST', `/api/queue/${encodeURIComponent(id)}/take`, { by, from });
}

/** Writes to its guest. */
export function write(id, by, text) {
  return asked('POST', `/api/queue/${encodeURIComponent(id)}/messages`, { by, text });
}

/** Notes that a person saw to a message that could not be sent. */
export function seenTo(message, by) {
  return asked('POST', `/api/queue/left/${message}/done`, { by });
}

/** Notes that a person saw to a message that nobody answered. */
export function attended(message, by) {
  return asked('POST', `/api/queue/missed/${message}/done`, { by });
}

/** Gives one back; the guest reads the summary. */
export function giveBack(id, by, summary) {
  return asked('POST', `/api/conversations/${encodeURIComponent(id)}/give-back`, { by, summary });
}

/** One event of a stream; none for a comment. */
function parsed(block) {
  let name = 'message';
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const value = line.slice(colon + 1).replace(/^ /, '');
    if (line.slice(0, colon) === 'event') name = value;
    if (line.slice(0, colon) === 'data') data.push(value);
  }
  return data.length ? { name, data: JSON.parse(data.join('\n')) } : null;
}

async function asked(method, path, body) {
  const response = await answer(method, path, body, 'application/json');
  return response.json();
}

async function answer(method, path, body, accept) {
  const headers = { accept };
  if (body) headers['content-type'] = 'application/json';
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: 'no-store' });
  } catch {
    throw new Refused('lost', LOST);
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  const kind = { 404: 'gone', 409: 'moved' }[response.status] ?? 'other';
  throw new Refused(kind, said.error ?? `The receptionist answered with status ${response.status}.`);
}
