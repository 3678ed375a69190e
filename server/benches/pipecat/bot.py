"""A bot of Pipecat's that answers every turn with one reply whose sound it knows, as ours does a fixed reply.

It is as small as Pipecat's own examples for telephones: FastAPI's WebSocket transport with the Twilio serializer,
Deepgram Flux, Deepgram's speech, and a processor in the place of a language model. No silence detector of its own and
no model is loaded: Flux tells the turns.
"""

import asyncio
import os
import socket
import sys

import uvicorn
from fastapi import FastAPI, Response, WebSocket
from loguru import logger
from pipecat.frames.frames import (
    Frame,
    InterruptionFrame,
    LLMContextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.deepgram.flux.stt import DeepgramFluxSTTService
from pipecat.services.deepgram.tts import DeepgramTTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

GREETING = "Hello, this is Lantern Bay Hotel. How may I help you?"
REPLY = "You're very welcome. Is there anything else I can do for you?"
DEEPGRAM = os.environ["DEEPGRAM_BASE_URL"].replace("http", "ws", 1)
KEY = os.environ["DEEPGRAM_API_KEY"]
EARLY = os.environ.get("PIPECAT_EARLY") == "1"
RATE = 8000

app = FastAPI()
known: dict[str, bytes] = {}


class Replies(FrameProcessor):
    """Answers a turn: with its sound where that is known, else by having it spoken."""

    def __init__(self, keeper: "Keeper"):
        super().__init__()
        self._keeper = keeper

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        sound = known.get(REPLY)
        if sound is None:
            self._keeper.keep(REPLY)
            await self.push_frame(TTSSpeakFrame(REPLY))
            return
        await self.push_frame(TTSStartedFrame())
        await self.push_frame(TTSAudioRawFrame(audio=sound, sample_rate=RATE, num_channels=1))
        await self.push_frame(TTSStoppedFrame())


class Keeper(FrameProcessor):
    """Behind the voice: keeps the sound of a reply that was spoken whole."""

    def __init__(self):
        super().__init__()
        self._text: str | None = None
        self._sound = b""

    def keep(self, text: str):
        self._text, self._sound = text, b""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if self._text is not None:
            if isinstance(frame, InterruptionFrame):
                self._text = None
            elif isinstance(frame, TTSAudioRawFrame):
                self._sound += frame.audio
            elif isinstance(frame, TTSStoppedFrame) and self._sound:
                known[self._text], self._text = self._sound, None
        await self.push_frame(frame, direction)


@app.post("/twilio/voice")
async def ringing():
    document = '<Response><Connect><Stream url="wss://hotel.example.com/media"/></Connect></Response>'
    return Response(document, media_type="text/xml")


@app.websocket("/media")
async def media(websocket: WebSocket):
    await websocket.accept()
    await websocket.receive_json()
    start = (await websocket.receive_json())["start"]
    serializer = TwilioFrameSerializer(
        start["streamSid"], params=TwilioFrameSerializer.InputParams(auto_hang_up=False)
    )
    transport = FastAPIWebsocketTransport(
        websocket,
        FastAPIWebsocketParams(
            audio_in_enabled=True, audio_out_enabled=True, add_wav_header=False, serializer=serializer
        ),
    )
    ears = DeepgramFluxSTTService(
        api_key=KEY, url=f"{DEEPGRAM}/v2/listen", sample_rate=RATE, enable_eager_end_of_turn=EARLY
    )
    voice = DeepgramTTSService(api_key=KEY, base_url=DEEPGRAM, sample_rate=RATE)
    turns = LLMContextAggregatorPair(LLMContext())
    keeper = Keeper()
    pipeline = Pipeline(
        [transport.input(), ears, turns.user(), Replies(keeper), voice, keeper, transport.output(), turns.assistant()]
    )
    worker = PipelineWorker(
        pipeline, params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE)
    )

    @transport.event_handler("on_client_connected")
    async def connected(_transport, _client):
        await worker.queue_frame(TTSSpeakFrame(GREETING))

    @transport.event_handler("on_client_disconnected")
    async def disconnected(_transport, _client):
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


async def main():
    logger.remove()
    logger.add(sys.stderr, level=os.environ.get("PIPECAT_LOG", "ERROR"))
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    host, port = listener.getsockname()[:2]
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="websockets-sansio"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.05)
    print(f"http://{host}:{port}/", flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(main())
