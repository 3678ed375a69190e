"""Reads JSON lines {"vendor", "from", "message"} and says for each what the vendor's own types make of it.

What a server says must be valid for its type and come out as it went in, but for what the type does not know. What a
client says is built again by the types and printed, to be compared.
"""

import json
import sys

import pydantic
from deepgram.core.unchecked_base_model import construct_type
from deepgram.speak.v1.types import (
    SpeakV1Clear,
    SpeakV1Cleared,
    SpeakV1Close,
    SpeakV1Flush,
    SpeakV1Flushed,
    SpeakV1Metadata,
    SpeakV1Text,
    SpeakV1Warning,
)
from deepgram.speak.v1.socket_client import V1SocketClientResponse
from elevenlabs.types import (
    AudioOutputMulti,
    CloseContext,
    CloseSocket,
    FinalOutputMulti,
    FlushContext,
    InitializeConnectionMulti,
    KeepContextAlive,
    WebsocketTtsServerMessageMulti,
)
from openai.types.realtime import (
    RealtimeServerEvent,
    ResponseCancelEvent,
    ResponseCreateEvent,
    SessionUpdateEvent,
)

DEEPGRAM_SERVER = {
    "Metadata": SpeakV1Metadata,
    "Flushed": SpeakV1Flushed,
    "Cleared": SpeakV1Cleared,
    "Warning": SpeakV1Warning,
}
DEEPGRAM_CLIENT = {"Speak": SpeakV1Text, "Flush": SpeakV1Flush, "Clear": SpeakV1Clear, "Close": SpeakV1Close}
OPENAI_CLIENT = {
    "session.update": SessionUpdateEvent,
    "response.create": ResponseCreateEvent,
    "response.cancel": ResponseCancelEvent,
}


def dumped(model):
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def strict(kind, message):
    """The message as its type; what the type does not know is left out of it."""
    built = kind.model_validate(message)
    known = set()
    for name, field in kind.model_fields.items():
        known.update({name, field.alias or name})
    unknown = sorted(set(message) - known)
    return built, unknown


def elevenlabs_client(message):
    if message.get("close_socket"):
        return CloseSocket
    if message.get("close_context"):
        return CloseContext
    if message.get("text") == " ":
        return InitializeConnectionMulti
    if message.get("text") == "":
        return KeepContextAlive
    return FlushContext


def check(vendor, sender, message):
    if vendor == "deepgram":
        kinds = DEEPGRAM_SERVER if sender == "server" else DEEPGRAM_CLIENT
        built, unknown = strict(kinds[message["type"]], message)
        if sender == "server":
            parsed = construct_type(type_=V1SocketClientResponse, object_=message)
            # Two of them differ in nothing but this, and the library takes the first.
            assert parsed.type == message["type"], parsed
        return dumped(built), unknown
    if vendor == "elevenlabs":
        if sender == "client":
            built, unknown = strict(elevenlabs_client(message), message)
            return dumped(built), unknown
        if message.get("audio") is None and not message.get("isFinal"):
            built, unknown = strict(WebsocketTtsServerMessageMulti, message)
            return dumped(built), unknown
        built, unknown = strict(FinalOutputMulti if message.get("isFinal") else AudioOutputMulti, message)
        return dumped(built), unknown
    if sender == "server":
        built = pydantic.TypeAdapter(RealtimeServerEvent).validate_python(message)
        assert built.type == message["type"]
        return dumped(built), []
    built, unknown = strict(OPENAI_CLIENT[message["type"]], message)
    return dumped(built), unknown


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            message, unknown = check(asked["vendor"], asked["from"], asked["message"])
            answer = {"message": message, "unknown": unknown}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        print(json.dumps(answer), flush=True)


main()
