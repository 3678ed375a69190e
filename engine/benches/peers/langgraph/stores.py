"""LangGraph's three checkpointers, each set up as its documentation says, and how much each has stored."""

import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

TABLES = ["checkpoints", "checkpoint_blobs", "checkpoint_writes"]


class Memory:
    """`InMemorySaver`. What it stores is counted as the bytes it serialised, without its dictionaries."""

    name = "memory"

    def __init__(self) -> None:
        self.saver = InMemorySaver()

    def stored(self) -> int:
        checkpoints = sum(
            len(checkpoint[1]) + len(metadata[1])
            for spaces in self.saver.storage.values()
            for saved in spaces.values()
            for checkpoint, metadata, _ in saved.values()
        )
        writes = sum(len(write[2][1]) for task in self.saver.writes.values() for write in task.values())
        return checkpoints + writes + sum(len(blob[1]) for blob in self.saver.blobs.values())

    def each(self, turn: Any, conversations: list[str]) -> list[Any]:
        return [turn(conversation) for conversation in conversations]

    def close(self) -> None:
        self.saver = None


class Sqlite(Memory):
    """`SqliteSaver` on a file in WAL mode (its own choice) with `synchronous=NORMAL`, the faster safe level of WAL."""

    name = "sqlite"

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, f"langgraph-{os.urandom(6).hex()}.db")
        self.connection = sqlite3.connect(self.path, check_same_thread=False)
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.saver = SqliteSaver(self.connection)
        self.saver.setup()
        self.empty = self.size()

    def size(self) -> int:
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return os.path.getsize(self.path)

    def stored(self) -> int:
        return self.size() - self.empty

    def close(self) -> None:
        self.connection.close()
        os.remove(self.path)


class Postgres(Memory):
    """`PostgresSaver`: one connection as `from_conn_string` makes it, or a pool with a thread for each connection."""

    name = "postgres"

    def __init__(self, address: str, connections: int = 1) -> None:
        self.threads = ThreadPoolExecutor(connections) if connections > 1 else None
        options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        if connections > 1:
            self.connection = ConnectionPool(
                address, min_size=connections, max_size=connections, kwargs=options, open=True
            )
            self.connection.wait()
        else:
            self.connection = psycopg.connect(address, **options)
        self.saver = PostgresSaver(self.connection)
        self.saver.setup()
        self.watch = psycopg.connect(address, autocommit=True)
        self.watch.execute(f"TRUNCATE {', '.join(TABLES)}")
        self.empty = self.size()

    def size(self) -> int:
        for table in TABLES:
            self.watch.execute(f"VACUUM FULL {table}")
        sizes = (self.watch.execute("SELECT pg_total_relation_size(%s)", (table,)) for table in TABLES)
        return sum(size.fetchone()[0] for size in sizes)

    def stored(self) -> int:
        return self.size() - self.empty

    def each(self, turn: Any, conversations: list[str]) -> list[Any]:
        if self.threads is None:
            return super().each(turn, conversations)
        return list(self.threads.map(turn, conversations))

    def close(self) -> None:
        if self.threads is not None:
            self.threads.shutdown()
        self.connection.close()
        self.watch.close()


def bare_commits(address: str, count: int) -> list[float]:
    """What one row in one transaction costs without LangGraph: microseconds, one by one."""
    took = []
    with psycopg.connect(address, autocommit=True, prepare_threshold=0) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id BIGINT, body TEXT)")
        for number in range(count):
            began = time.perf_counter()
            connection.execute("INSERT INTO bare VALUES (%s, %s)", (number, "x" * 200))
            took.append((time.perf_counter() - began) * 1e6)
    return took
