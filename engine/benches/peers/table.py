"""Prints the figures of a run, given as files of JSON lines, as one table and a list of what is not in it."""

import json
import sys

OURS = "Innkeeper"
YARDSTICK = "LangGraph"
STORES = {"memory": "in memory", "sqlite": "SQLite", "postgres": "PostgreSQL"}
COLUMNS = {
    "turns_per_second": "turns/s",
    "bytes_6_turns": "stored, 6 turns",
    "bytes_500_turns": "stored, 500 turns",
    "turn_500_over_10": "turn 500 ÷ turn 10",
    "live_10000": "10,000 live",
}
HIGHER_IS_BETTER = {"turns_per_second"}
WITHOUT_RATIO = {"turn_500_over_10"}


def count(value: float) -> str:
    return f"{value:,.0f}"


def size(value: float) -> str:
    for unit, scale in (("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}" if value < 1000 * scale else f"{value / scale:,.0f} {unit}"
    return f"{value:.0f} B"


def times(ratio: float) -> str:
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.2g}×"


def shown(measure: str, value: float) -> str:
    if measure in HIGHER_IS_BETTER:
        return count(value)
    return f"{value:.2f}" if measure in WITHOUT_RATIO else size(value)


def main(paths: list[str]) -> None:
    lines = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            lines += [json.loads(line) for line in file if line.startswith("{")]
    figures: dict[tuple[str, str], dict[str, float]] = {}
    without_history = set()
    others = []
    for line in lines:
        if line["measure"] in COLUMNS:
            figures.setdefault((line["store"], line["who"]), {})[line["measure"]] = line["value"]
            if "last state only" in line["note"]:
                without_history.add((line["store"], line["who"], line["measure"]))
        else:
            others.append(line)

    ours = any(who.startswith(OURS) for _, who in figures)
    if ours:
        print("In brackets: how many times better ours is, in the same store.\n")
    else:
        print(f"Ours was not measured. In brackets: how many times better than {YARDSTICK} as fast as it gets, same store.\n")
    print("| store | who | " + " | ".join(COLUMNS.values()) + " |")
    print("|---|---|" + "---:|" * len(COLUMNS))
    for store, title in STORES.items():
        rows = {who: row for (of, who), row in figures.items() if of == store}
        base = OURS if ours else YARDSTICK
        base_name = next((who for who in rows if who.startswith(base)), None)
        for who, row in rows.items():
            cells = []
            for measure in COLUMNS:
                value = row.get(measure)
                if value is None:
                    cells.append("–")
                    continue
                cell = shown(measure, value) + ("†" if (store, who, measure) in without_history else "")
                against = rows[base_name].get(measure) if base_name and who != base_name else None
                if against and value > 0 and measure not in WITHOUT_RATIO:
                    better = value / against if measure in HIGHER_IS_BETTER else against / value
                    cell += f" ({times(1 / better if ours else better)})"
                cells.append(cell)
            print(f"| {title} | {who} | " + " | ".join(cells) + " |")

    if without_history:
        print("\n† the last state only: what was said and asked before is gone. The others keep every turn.")

    print("\nHow, and how widely the repeats differed:")
    for line in lines:
        if line["measure"] == "turns_per_second":
            print(f"- {line['who']}, {STORES.get(line['store'], line['store'])}: {line['note']}")
    beside = [line for line in others if not line["measure"].startswith("probe_")]
    if beside:
        print("\nAlso measured:")
        for line in beside:
            print(f"- {line['who']}, {line['measure']}: {line['value']:,} {line['unit']} ({line['note']})")


if __name__ == "__main__":
    main(sys.argv[1:])
