"""Runs the booking on LangGraph and prints one JSON line a figure; what is going on goes to standard error.

Set by `../run`: PEERS_CONVERSATION, PEERS_SCRATCH, PEERS_POSTGRES (empty: those rows are skipped), PEERS_REPEATS.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from booking import Tools
from graphs import GRAPHS, Functional, WithMessages
from stores import Memory, Postgres, Sqlite, bare_commits

WHO = f"LangGraph {version('langgraph')}"
CONVERSATIONS = 256
FEWER = 96
PROBED = 32
LIVE = 1_000
THREADS = 8
PATIENCE = 8.0

with open(os.environ["PEERS_CONVERSATION"], encoding="utf-8") as file:
    CONVERSATION = json.load(file)
TOOLS = Tools(CONVERSATION)
REPEATS = int(os.environ.get("PEERS_REPEATS", "5"))


def say(who: str, store: str, measure: str, value: float, unit: str, n: int, note: str) -> None:
    line = {"who": who, "store": store, "measure": measure, "value": value, "unit": unit, "n": n, "note": note}
    print(json.dumps(line, ensure_ascii=False), flush=True)


def play(graph: Any, conversation: str, scene: list[dict[str, Any]]) -> None:
    """Plays one scene and stops the benchmark at a question that is not the expected one."""
    for number, turn in enumerate(scene):
        asked = graph.turn(conversation, turn["said"], number == 0)
        if asked != turn["asks"]:
            sys.exit(f"{conversation}, turn {number + 1}: asked {asked}, not {turn['asks']}")


@dataclass
class Took:
    """Seconds, by the clock and by the CPU time of this process and its threads."""

    clock: float
    cpu: float


def book(graph: Any, store: Any, conversations: int) -> Took:
    """Books in that many conversations at once, turn by turn in all of them."""
    names = [f"guest-{number}" for number in range(conversations)]
    gc.collect()
    clock, cpu = time.perf_counter(), time.process_time()
    for number, turn in enumerate(CONVERSATION["booking"]):
        said, first = turn["said"], number == 0
        asked = store.each(lambda name: graph.turn(name, said, first), names)
        if any(question != turn["asks"] for question in asked):
            sys.exit(f"turn {number + 1} of the booking did not ask {turn['asks']}")
    return Took(time.perf_counter() - clock, time.process_time() - cpu)


def undecided(turns: int) -> list[dict[str, Any]]:
    """The conversation that never ends: after the third turn the number of guests goes back and forth."""
    script = CONVERSATION["undecided"]
    first = CONVERSATION["booking"][: script["first"]]
    return first + [script["then"][number % len(script["then"])] for number in range(turns - len(first))]


def long_talk(graph: Any, store: Any, talks: int, now: Callable[[], float]) -> tuple[float, float, int]:
    """Talks for 500 turns: what one of the last 20 turns costs in turns 6 to 25, the bytes stored, how many talked.

    The late turns of an old conversation take turns with the early ones of a young one, so that what else happens on
    the machine happens to both.
    """
    script = undecided(500)

    def timed(conversation: str, number: int) -> float:
        began = now()
        asked = graph.turn(conversation, script[number - 1]["said"], number == 1)
        took = now() - began
        if asked != script[number - 1]["asks"]:
            sys.exit(f"{conversation}, turn {number}: asked {asked}")
        return took

    empty = store.stored()
    for number in range(1, 26):
        timed("warm", number)
    young_one = store.stored() - empty
    early, late = [], []
    until = time.perf_counter() + PATIENCE
    talked = 0
    while talked < talks and (talked == 0 or time.perf_counter() < until):
        old, young = f"old-{talked}", f"young-{talked}"
        talked += 1
        for number in range(1, 481):
            timed(old, number)
        for number in range(1, 6):
            timed(young, number)
        for step in range(20):
            early.append(timed(young, 6 + step))
            late.append(timed(old, 481 + step))
    stored = (store.stored() - empty - (talked + 1) * young_one) / talked
    return statistics.median(late) / statistics.median(early), stored, talked


@dataclass
class Run:
    """Turns a second in one run, and the bytes that each conversation left in the store."""

    by_clock: float
    by_cpu: float
    stored: float


@dataclass
class Way:
    """One way to run the booking on LangGraph."""

    graph_of: Any
    durability: str
    open_store: Callable[[], Any]
    kind: str
    how: str = ""

    def note(self) -> str:
        return f"{self.graph_of.name}, durability={self.durability}{self.how}"

    def make(self, store: Any) -> Any:
        return self.graph_of(TOOLS, store.saver, self.durability)

    def check(self) -> None:
        """Every scene of conversation.json: a graph that does less work than the others does not get timed."""
        with closing(self.open_store()) as store:
            graph = self.make(store)
            for name, scene in {**CONVERSATION["scenes"], "booking": CONVERSATION["booking"]}.items():
                play(graph, name, scene)

    def run(self, conversations: int) -> Run:
        """Books in that many conversations, in a new store that has seen a few before."""
        with closing(self.open_store()) as store:
            graph = self.make(store)
            for number in range(5):
                play(graph, f"warm-{number}", CONVERSATION["booking"])
            before = store.stored()
            took = book(graph, store, conversations)
            stored = (store.stored() - before) / conversations
        turns = conversations * len(CONVERSATION["booking"])
        return Run(turns / took.clock, turns / took.cpu, stored)

    def speed(self, run: Run) -> float:
        """What counts as this way's speed: CPU time in memory, the clock where there are disks to wait for."""
        return run.by_cpu if self.kind == "memory" else run.by_clock

    def rank(self, run: Run) -> float:
        """What this way is chosen by: with PostgreSQL the clock, as connections differ by how they wait."""
        return run.by_clock if self.kind == "postgres" else run.by_cpu


def fastest(who: str, ways: list[Way], tries: int) -> tuple[Way, float]:
    """Checks every way, tries each on a few conversations, and gives the fastest with its speed by the clock."""
    found = []
    turns = PROBED * len(CONVERSATION["booking"])
    for way in ways:
        way.check()
        run = max((way.run(PROBED) for _ in range(tries)), key=way.rank)
        found.append((way.rank(run), run.by_clock, way))
        say(who, way.kind, "probe_turns_per_second", round(way.speed(run), 1), "turns/s", turns, way.note())
    _, speed, way = max(found, key=lambda tried: tried[0])
    return way, speed


@dataclass
class Effort:
    """How much is measured: tries of each way, repeats of the fastest, conversations in each, talks of 500 turns."""

    tries: int
    repeats: int
    conversations: int
    talks: int


def measure(who: str, ways: list[Way], effort: Effort) -> Way:
    """Speed and bytes of the booking, then of the talk of 500 turns; fewer conversations where that takes too long."""
    way, expected = fastest(who, ways, effort.tries)
    print(f"{who}, {way.kind}: {way.note()}", file=sys.stderr)
    affordable = int(expected * PATIENCE / len(CONVERSATION["booking"]))
    conversations = min(effort.conversations, max(PROBED, affordable))
    runs = []
    began = time.perf_counter()
    while len(runs) < effort.repeats and (not runs or time.perf_counter() - began < PATIENCE):
        runs.append(way.run(conversations))
    speeds = [way.speed(run) for run in runs]
    turns = len(runs) * conversations * len(CONVERSATION["booking"])
    spread = f"{way.note()}; {conversations} conversations, median of {len(runs)}, {min(speeds):.0f} to {max(speeds):.0f}"
    if way.kind == "memory":
        spread += f" by CPU time, {statistics.median(run.by_clock for run in runs):.0f} by the clock"
    else:
        spread += f" by the clock, {statistics.median(run.by_cpu for run in runs):.0f} by CPU time"
    kept = f"{way.note()}; every turn kept"
    say(who, way.kind, "turns_per_second", round(statistics.median(speeds), 1), "turns/s", turns, spread)
    stored = statistics.median(run.stored for run in runs)
    say(who, way.kind, "bytes_6_turns", round(stored), "bytes", conversations, kept)
    with closing(way.open_store()) as store:
        now = time.perf_counter if way.kind == "postgres" else time.process_time
        cost, stored, talks = long_talk(way.make(store), store, effort.talks, now)
    medians = f"{way.note()}; medians of turns 481-500 and, in between, 6-25 of another"
    say(who, way.kind, "turn_500_over_10", round(cost, 3), "ratio", talks, medians)
    say(who, way.kind, "bytes_500_turns", round(stored), "bytes", talks, kept)
    return way


def resident() -> int:
    """The bytes of memory this process holds."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def live(graph_name: str, durability: str) -> None:
    """Holds conversations that wait for a room, in a process of its own, and prints the bytes each added."""
    graph_of = next(graph_of for graph_of in GRAPHS if graph_of.name == graph_name)
    graph = graph_of(TOOLS, Memory().saver, durability)
    script = CONVERSATION["booking"][:3]
    for number in range(50):
        play(graph, f"warm-{number}", script)
    gc.collect()
    before = resident()
    for number in range(LIVE):
        play(graph, f"live-{number}", script)
    gc.collect()
    print((resident() - before) / LIVE)


def measure_live(who: str, way: Way) -> None:
    """The memory of 10,000 live conversations, from fewer of them."""
    arguments = [sys.executable, __file__, "live", way.graph_of.name, way.durability]
    added = float(subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True).stdout)
    note = f"{way.note()}; growth of the process by {LIVE} at the third turn, times {10_000 // LIVE}"
    say(who, way.kind, "live_10000", round(added * 10_000), "bytes", LIVE, note)


def main() -> None:
    folder, address = os.environ["PEERS_SCRATCH"], os.environ.get("PEERS_POSTGRES")
    stores = {"memory": {"": Memory}, "sqlite": {"": lambda: Sqlite(folder)}}
    if address:
        stores["postgres"] = {
            ", 1 connection": lambda: Postgres(address),
            f", {THREADS} threads": lambda: Postgres(address, THREADS),
        }
        commits = bare_commits(address, 500)
        note = "one INSERT of 200 bytes in its own transaction, one connection, at the time of LangGraph's run"
        say("PostgreSQL", "postgres", "bare_commit_p50", round(statistics.median(commits)), "µs", len(commits), note)
    defaults, once = f"{WHO}, defaults", Effort(tries=1, repeats=1, conversations=FEWER, talks=1)
    for kind, opened in stores.items():
        in_memory = kind == "memory"
        thorough = Effort(2, REPEATS if in_memory else min(REPEATS, 3), CONVERSATIONS, 4 if in_memory else 2)
        for who, durability, effort in ((WHO, "exit", thorough), (defaults, "async", once)):
            ways = [
                Way(graph_of, durability, open_store, kind, how)
                for graph_of in GRAPHS
                for how, open_store in opened.items()
            ]
            way = measure(who, ways, effort)
            if in_memory:
                measure_live(who, way)
    measure(f"{WHO}, no graph", [Way(Functional, "exit", Memory, "memory")], Effort(1, 3, FEWER, 1))
    measure(f"{defaults}, messages", [Way(WithMessages, "async", stores["sqlite"][""], "sqlite")], once)


if __name__ == "__main__":
    if sys.argv[1:2] == ["live"]:
        live(*sys.argv[2:])
    else:
        main()
