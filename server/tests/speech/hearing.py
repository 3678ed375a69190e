"""Reads messages, a JSON line each, with the types of the vendors' own libraries, and says what is wrong with them.

A line is {"sdk": "flux" | "v1" | "realtime", "from": "server" | "client", "message": {...}} or
{"sdk": "flux" | "v1", "from": "query", "message": {name: [value, ...]}}. A message of a server must parse; one of a
client must also be what the library's own type of it is written as, with nothing more.
"""

import inspect
import json
import sys
import typing

from deepgram.listen.v1 import socket_client as v1
from deepgram.listen.v1.client import AsyncV1Client
from deepgram.listen.v2 import socket_client as v2
from deepgram.listen.v2.client import AsyncV2Client
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent


def members(union):
    while typing.get_origin(union) is typing.Annotated:
        union = typing.get_args(union)[0]
    return typing.get_args(union)


def named(classes):
    """The classes by what their messages are called."""
    found = {}
    for one in classes:
        if isinstance(one, type) and "type" in getattr(one, "model_fields", {}):
            field = one.model_fields["type"]
            for name in typing.get_args(field.annotation) or [field.default]:
                found[name] = one
    return found


SERVER = {
    "flux": named(members(v2.V2SocketClientResponse)),
    "v1": named(members(v1.V1SocketClientResponse)),
    "realtime": named(members(RealtimeServerEvent)),
}
CLIENT = {
    "flux": {"Configure": v2.ListenV2Configure, "CloseStream": v2.ListenV2CloseStream,
             "ForceEndTurn": v2.ListenV2ForceEndTurn},
    "v1": {"Configure": v1.ListenV1Configure, "KeepAlive": v1.ListenV1KeepAlive, "Finalize": v1.ListenV1Finalize,
           "CloseStream": v1.ListenV1CloseStream},
    "realtime": named(members(RealtimeClientEvent)),
}
CONNECT = {"flux": AsyncV2Client.connect, "v1": AsyncV1Client.connect}


def plain(value):
    """A parsed message as it would be sent."""
    if hasattr(value, "model_dump"):
        assert not value.model_extra, f"{type(value).__name__} knows no {sorted(value.model_extra)}"
        fields = {name: getattr(value, name) for name in value.model_fields_set}
        return {type(value).model_fields[name].alias or name: plain(field) for name, field in fields.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return value


def check(line):
    sdk, sender, message = line["sdk"], line["from"], line["message"]
    if sender == "query":
        known = set(inspect.signature(inspect.unwrap(CONNECT[sdk])).parameters)
        assert set(message) <= known, f"it knows no {sorted(set(message) - known)}"
        return
    kinds = SERVER[sdk] if sender == "server" else CLIENT[sdk]
    assert message.get("type") in kinds, f"it knows no message {message.get('type')}"
    parsed = kinds[message["type"]].model_validate(message)
    if sender == "client":
        written = plain(parsed)
        assert written == message, f"it would be {json.dumps(written)}"


wrong = 0
count = 0
for text in sys.stdin:
    line = json.loads(text)
    count += 1
    try:
        check(line)
    except Exception as error:  # whatever it is, it is what is wrong with the line
        wrong += 1
        print(f"{text.strip()}\n  {type(error).__name__}: {error}")
print(f"{count} messages, {wrong} wrong")
sys.exit(1 if wrong or not count else 0)
