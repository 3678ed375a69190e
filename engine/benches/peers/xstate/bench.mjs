// Runs the booking on XState and prints one JSON line a figure.
// Set by ../run: PEERS_CONVERSATION, PEERS_REPEATS. Needs node's --expose-gc.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { bookingMachine } from "./booking.mjs";
import { WAYS } from "./ways.mjs";

const CONVERSATIONS = 256;
const LIVE = 10_000;
const LONG_TALKS = 40;
const SECONDS = 0.7;
const REPEATS = Number(process.env.PEERS_REPEATS ?? 5);
const VERSION = JSON.parse(readFileSync(new URL("./node_modules/xstate/package.json", import.meta.url))).version;

const script = JSON.parse(readFileSync(process.env.PEERS_CONVERSATION));
const machine = bookingMachine(script);

function say(who, measure, value, unit, n, note) {
  console.log(JSON.stringify({ who, store: "memory", measure, value, unit, n, note }));
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function expect(asked, turn, where) {
  if (asked !== turn.asks) throw new Error(`${where}: asked ${asked}, not ${turn.asks}`);
}

function play(way, conversation, scene) {
  for (const turn of scene) expect(way.turn(conversation, turn.said), turn, conversation);
}

/** Every scene of conversation.json: a machine that does less work than the others does not get timed. */
function check(Way) {
  const way = new Way(machine);
  for (const [name, scene] of Object.entries({ ...script.scenes, booking: script.booking })) play(way, name, scene);
}

/** Books in batches of conversations, turn by turn in all of a batch, for about that long. */
function speed(Way, seconds) {
  const way = new Way(machine);
  globalThis.gc();
  const cpu = process.cpuUsage();
  const began = performance.now();
  let batch = 0;
  let took = 0;
  while (took < seconds * 1000) {
    for (const turn of script.booking) {
      for (let number = 0; number < CONVERSATIONS; number++) {
        expect(way.turn(`guest-${batch}-${number}`, turn.said), turn, "the booking");
      }
    }
    batch += 1;
    took = performance.now() - began;
  }
  const turns = batch * CONVERSATIONS * script.booking.length;
  const { user, system } = process.cpuUsage(cpu);
  return { turns, byCpu: (turns * 1e6) / (user + system), byClock: (turns * 1000) / took };
}

/**
 * Talks for 500 turns: what one of the last 20 turns costs in turns 6 to 25, and the bytes stored. The late turns of an
 * old conversation take turns with the early ones of a young one, so that what else happens on the machine happens to
 * both.
 */
function longTalk(Way) {
  const way = new Way(machine);
  const { first, then } = script.undecided;
  const timed = (conversation, number) => {
    const turn = number <= first ? script.booking[number - 1] : then[(number - first - 1) % then.length];
    const began = performance.now();
    const asked = way.turn(conversation, turn.said);
    const took = performance.now() - began;
    expect(asked, turn, `${conversation}, turn ${number}`);
    return took;
  };
  const early = [];
  const late = [];
  for (let talk = 0; talk < LONG_TALKS; talk++) {
    for (let number = 1; number <= 480; number++) timed(`old-${talk}`, number);
    for (let number = 1; number <= 5; number++) timed(`young-${talk}`, number);
    for (let step = 0; step < 20; step++) {
      early.push(timed(`young-${talk}`, 6 + step));
      late.push(timed(`old-${talk}`, 481 + step));
    }
  }
  return { cost: median(late) / median(early), bytes: way.stored?.("old-0") };
}

/** Holds conversations that wait for a room, in a process of its own, and prints the bytes they added, of V8's heap and of the process. */
function live(Way) {
  const way = new Way(machine);
  for (let number = 0; number < 500; number++) play(way, `warm-${number}`, script.booking.slice(0, 3));
  globalThis.gc();
  const before = process.memoryUsage();
  for (let number = 0; number < LIVE; number++) play(way, `live-${number}`, script.booking.slice(0, 3));
  globalThis.gc();
  const after = process.memoryUsage();
  console.log(JSON.stringify({ heap: after.heapUsed - before.heapUsed, rss: after.rss - before.rss }));
  expect(way.turn("live-0", script.undecided.then[0].said), script.undecided.then[0], "the first of the live"); // kept until here
}

function fastest(who, ways) {
  const speeds = ways.map((Way) => {
    check(Way);
    speed(Way, SECONDS);
    const { turns, byCpu } = speed(Way, SECONDS);
    if (ways.length > 1) {
      say(who, "probe_turns_per_second", Math.round(byCpu), "turns/s", turns, new Way(machine).name);
    }
    return byCpu;
  });
  return ways[speeds.indexOf(Math.max(...speeds))];
}

function measure(who, ways) {
  const Way = fastest(who, ways);
  const { name } = new Way(machine);
  const runs = Array.from({ length: REPEATS }, () => speed(Way, SECONDS));
  const speeds = runs.map((run) => run.byCpu);
  const turns = runs.reduce((sum, run) => sum + run.turns, 0);
  const range = `${Math.round(Math.min(...speeds))} to ${Math.round(Math.max(...speeds))}`;
  const byClock = Math.round(median(runs.map((run) => run.byClock)));
  const note = `${name}; median of ${REPEATS}, ${range} by CPU time, ${byClock} by the clock`;
  say(who, "turns_per_second", Math.round(median(speeds)), "turns/s", turns, note);

  const { cost, bytes } = longTalk(Way);
  const medians = `${name}; medians of turns 481-500 and, in between, 6-25 of another`;
  say(who, "turn_500_over_10", Number(cost.toFixed(3)), "ratio", LONG_TALKS, medians);
  if (bytes !== undefined) {
    const way = new Way(machine);
    play(way, "booking", script.booking);
    say(who, "bytes_6_turns", way.stored("booking"), "bytes", 1, `${name}; the last state only`);
    say(who, "bytes_500_turns", bytes, "bytes", LONG_TALKS, `${name}; the last state only`);
  }

  const index = Object.values(WAYS).flat().indexOf(Way);
  const flags = ["--expose-gc", fileURLToPath(import.meta.url), "live", String(index)];
  const { heap, rss } = JSON.parse(execFileSync(process.execPath, flags, { encoding: "utf8" }));
  const grew = `growth of V8's heap at the third turn; the process grew by ${(rss / 1e6).toFixed(1)} MB`;
  say(who, "live_10000", heap, "bytes", LIVE, `${name}; ${grew}`);
}

if (process.argv[2] === "live") {
  live(Object.values(WAYS).flat()[Number(process.argv[3])]);
} else {
  for (const [row, ways] of Object.entries(WAYS)) measure(`XState ${VERSION}${row}`, ways);
}
