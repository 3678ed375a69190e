// The engine's traces as lines that an author of flows can read.

import { named, pretty } from './values.js';

/** A trace as pieces of text; those in a list are names out of the flow. */
export function sentence(trace) {
  switch (trace.trace) {
    case 'understood': {
      const acts = trace.acts.map((act) => (typeof act === 'string' ? act : `start ${act.start}`));
      const what = [...acts, ...trace.slots];
      if (what.length === 0) return ['Found nothing more in what was said before'];
      return ['Understood ', ...names(what), trace.by === 'model' ? ' (by the language model)' : ' (by the rules)'];
    }
    case 'filled':
      return [[trace.slot], ' is now ', pretty(trace.value).text];
    case 'refused':
      return ['Refused for ', [trace.slot], `: ${named(eventName(trace.why))}`];
    case 'entered':
      return ['Entered ', [`${trace.flow}.${trace.state}`]];
    case 'left':
      return ['Left ', [`${trace.flow}.${trace.state}`]];
    case 'asked':
      return ['Asked in ', [`${trace.flow}.${trace.state}`]];
    case 'undone':
      return ['Took back ', ...names(trace.slots)];
    case 'ended':
      return [[trace.flow], ` ended: ${named(trace.outcome)}`];
    case 'event':
      return [trace.handled ? 'Took the event ' : 'Nobody took the event ', [eventName(trace.event)]];
    case 'repairing':
      return ['Repairs from ', [trace.from], ' to ', [trace.to]];
    case 'confirmed':
      return ['The guest confirmed what ', [trace.flow], ' read back'];
    case 'ignored':
      return [`Ignored: ${trace.why}`];
    default:
      return [JSON.stringify(trace)];
  }
}

function names(list) {
  return list.flatMap((name, i) => (i ? [', ', [name]] : [[name]]));
}

/** What a value that may carry details is called. */
function eventName(event) {
  return typeof event === 'string' ? event : Object.keys(event)[0];
}
