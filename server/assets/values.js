// Values as people read them: dates, stays, parties, money, choices.

const ISO_DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const SHORT = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });

/** A value as `{text, note}`: what to show, and what to show smaller beneath it. */
export function pretty(value) {
  if (value === null || value === undefined) return { text: 'no preference' };
  if (typeof value === 'boolean') return { text: value ? 'yes' : 'no' };
  if (typeof value === 'string') return { text: ISO_DAY.test(value) ? day(value) : value };
  if (typeof value !== 'object') return { text: String(value) };
  if (Array.isArray(value)) return { text: value.map((item) => pretty(item).text).join(', ') };
  if ('check_in' in value || 'check_out' in value || 'nights' in value) return stay(value);
  if ('start_date' in value && 'end_date' in value) return stay({ check_in: value.start_date, check_out: value.end_date });
  if ('adults' in value) return { text: party(value) };
  if ('minor' in value && 'currency' in value) return { text: money(value) };
  return record(value);
}

/** A slot's name as words. */
export function named(name) {
  return name.replaceAll('_', ' ');
}

/** A day of the hotel's calendar, some days after another one. */
export function later(iso, days) {
  const date = instant(iso);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** "12 to 14 December", or "30 January to 1 February". */
export function fromTo(from, to) {
  const format = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', timeZone: 'UTC' });
  const [first, last] = [format.format(instant(from)), format.format(instant(to))];
  return from.slice(0, 7) === to.slice(0, 7) ? `${instant(from).getUTCDate()} to ${last}` : `${first} to ${last}`;
}

/** The day of the week, Sunday 0. */
export function weekday(iso) {
  return instant(iso).getUTCDay();
}

function instant(iso) {
  return new Date(`${iso}T00:00:00Z`);
}

function day(iso) {
  return DAY.format(instant(iso)).replace(',', '');
}

function short(iso) {
  return SHORT.format(instant(iso)).replace(',', '');
}

function stay({ check_in: from, check_out: to, nights }) {
  if (from && to) {
    const count = Math.round((instant(to) - instant(from)) / 86_400_000);
    return { text: `${short(from)} – ${short(to)}`, note: `${counted(count, 'night')}, ${to.slice(0, 4)}` };
  }
  const known = from ? `from ${day(from)}` : to ? `until ${day(to)}` : '';
  const length = nights ? counted(nights, 'night') : '';
  return { text: [known, length].filter(Boolean).join(', ') || 'not known yet' };
}

function party({ adults, children = 0 }) {
  return [counted(adults, 'adult'), children ? `${children} ${children === 1 ? 'child' : 'children'}` : '']
    .filter(Boolean)
    .join(', ');
}

/** An amount in minor units. */
function money({ minor, currency }) {
  const format = new Intl.NumberFormat('en-GB', { style: 'currency', currency, trailingZeroDisplay: 'stripIfInteger' });
  const digits = format.resolvedOptions().maximumFractionDigits;
  const parts = format.formatToParts(minor / 10 ** digits);
  return parts.map(({ type, value }) => (type === 'currency' ? `${value}\u00a0` : value)).join('').replace(/\s{2}/, '\u00a0');
}

/** What was chosen from a list: its name, and what tells it from the others. */
function record(value) {
  const title = value.name ?? value.label ?? value.title ?? value.reference;
  if (title === undefined) return { text: JSON.stringify(value) };
  const note = [
    value.view && !String(title).includes(value.view) ? `${value.view} view` : '',
    value.total?.currency ? money(value.total) : '',
    value.reference && value.reference !== title ? value.reference : '',
  ];
  return { text: String(title), note: note.filter(Boolean).join(' · ') };
}

function counted(number, one) {
  return `${number} ${number === 1 ? one : `${one}s`}`;
}
