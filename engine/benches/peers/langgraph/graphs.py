"""The booking on LangGraph: as a graph, in the two ways its documentation shows for a talk of several turns, and more."""

import json
import operator
from typing import Annotated, Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.func import entrypoint
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from booking import Booking, Tools, heard, question


def tool_nodes(tools: Tools) -> dict[str, Any]:
    """The nodes that call a tool, the same in both graphs."""

    def checking(state: Booking) -> Booking:
        stay = state["stay"]
        offers = tools.get_room_availability(stay["check_in"], stay["check_out"], state["guests"], state["view"])
        return {"offers": offers, "asks": "room" if offers["rooms"] else "sold_out"}

    def quoting(state: Booking) -> Booking:
        stay = state["stay"]
        quote = tools.quote_stay(state["room"]["room_id"], stay["check_in"], stay["check_out"], state["guests"])
        return {"quote": quote, "asks": question({**state, "quote": quote})}

    def booking(state: Booking) -> Booking:
        booked = tools.create_booking(
            state["room"]["room_id"],
            state["stay"],
            state["name"],
            state["phone"],
            state["guests"],
            state["quote"]["quote_id"],
        )
        return {"booking": booked, "asks": "booked"}

    return {"checking": checking, "quoting": quoting, "booking": booking}


def listen(state: Booking, said: dict[str, Any]) -> Booking:
    """What a message changes, with the question that follows; none where a tool is due first."""
    update = heard(state, said)
    at_confirm = state.get("asks") == "confirm" and not update
    if at_confirm and said.get("intent") == "yes":
        update["asks"] = None
    elif at_confirm and said.get("intent") == "no":
        update["asks"] = "what_to_change"
    else:
        update["asks"] = question({**state, **update})
    return update


def next_node(state: Booking) -> str:
    """The edge out of listening: to the end where a question follows, else to the tool that is due."""
    if state["asks"] is not None:
        return END
    if state.get("offers") is None:
        return "checking"
    if state.get("quote") is None:
        return "quoting"
    return "booking"


class InvokePerTurn:
    """One run of the graph for each message: the input is the message, the end is the question."""

    name = "invoke per turn"
    state: type = Booking

    def __init__(self, tools: Tools, saver: BaseCheckpointSaver, durability: str) -> None:
        graph = StateGraph(self.state)
        graph.add_node("listening", self.listening)
        for node, work in tool_nodes(tools).items():
            graph.add_node(node, work)
            graph.add_edge(node, END)
        graph.add_edge(START, "listening")
        graph.add_conditional_edges("listening", next_node, ["checking", "quoting", "booking", END])
        self.graph = graph.compile(checkpointer=saver)
        self.durability = durability

    @staticmethod
    def listening(state: Booking) -> Booking:
        return listen(state, state["said"])

    def turn(self, conversation: str, said: dict[str, Any], first: bool) -> str:
        """Takes one message to the conversation of that id and gives the question that follows."""
        config = {"configurable": {"thread_id": conversation}}
        return self.graph.invoke({"said": said}, config, durability=self.durability, output_keys="asks")


class InterruptAndResume:
    """One long run: every question is an `interrupt`, every message a `Command(resume=…)`."""

    name = "interrupt and resume"

    def __init__(self, tools: Tools, saver: BaseCheckpointSaver, durability: str) -> None:
        def arriving(state: Booking) -> Booking:
            return heard(state, state["said"])

        def asking(state: Booking) -> Booking:
            return heard(state, interrupt(question(state)))

        def confirming(state: Booking) -> Booking:
            said = interrupt("confirm")
            return {"asks": said.get("intent"), **heard(state, said), "said": said}

        def changing(state: Booking) -> Booking:
            return heard(state, interrupt("what_to_change"))

        def due(state: Booking) -> str:
            if any(state.get(slot) is None for slot in ("stay", "guests", "view")):
                return "details"
            if state.get("offers") is None:
                return "checking"
            if not state["offers"]["rooms"]:
                return "sold_out"
            if state.get("room") is None:
                return "choosing"
            if state.get("quote") is None:
                return "quoting"
            if state.get("name") is None or state.get("phone") is None:
                return "who"
            return "confirming"

        def answered(state: Booking) -> str:
            if not state["said"].get("slots"):
                if state["said"].get("intent") == "yes":
                    return "booking"
                if state["said"].get("intent") == "no":
                    return "changing"
            return due(state)

        graph = StateGraph(Booking)
        graph.add_node("arriving", arriving)
        for node in ("details", "sold_out", "choosing", "who"):
            graph.add_node(node, asking)
        for node, work in tool_nodes(tools).items():
            graph.add_node(node, work)
        graph.add_node("confirming", confirming)
        graph.add_node("changing", changing)
        graph.add_edge(START, "arriving")
        everywhere = ["details", "checking", "sold_out", "choosing", "quoting", "who", "confirming"]
        for node in ("arriving", "details", "sold_out", "choosing", "who", "changing"):
            graph.add_conditional_edges(node, due, everywhere)
        graph.add_conditional_edges("checking", due, ["sold_out", "choosing"])
        graph.add_conditional_edges("quoting", due, ["who", "confirming"])
        graph.add_conditional_edges("confirming", answered, [*everywhere, "booking", "changing"])
        graph.add_edge("booking", END)
        self.graph = graph.compile(checkpointer=saver)
        self.durability = durability

    def turn(self, conversation: str, said: dict[str, Any], first: bool) -> str:
        """Takes one message to the conversation of that id and gives the question that follows."""
        config = {"configurable": {"thread_id": conversation}}
        given = {"said": said} if first else Command(resume=said)
        found = self.graph.invoke(given, config, durability=self.durability, output_keys=["asks"])
        waiting = found.get("__interrupt__")
        return waiting[0].value if waiting else found["asks"]


class Messages(Booking):
    """The booking's state with the talk itself, as chat graphs keep it."""

    messages: Annotated[list[dict[str, str]], operator.add]


class WithMessages(InvokePerTurn):
    """`InvokePerTurn` with a list of messages in the state: what was asked and what was said, each turn."""

    name = "invoke per turn, messages in the state"
    state = Messages

    @staticmethod
    def listening(state: Messages) -> Messages:
        said = {"role": "user", "content": json.dumps(state["said"])}
        asked = {"role": "assistant", "content": state.get("asks") or ""}
        return {**listen(state, state["said"]), "messages": [asked, said]}


class Functional:
    """The functional API: one plain function a turn that decides by itself; there is no graph."""

    name = "entrypoint per turn"

    def __init__(self, tools: Tools, saver: BaseCheckpointSaver, durability: str) -> None:
        nodes = tool_nodes(tools)

        @entrypoint(checkpointer=saver)
        def talk(said: dict[str, Any], *, previous: Booking | None = None) -> Any:
            state = {**(previous or {})}
            state.update(listen(state, said))
            tool = next_node(state)
            if tool != END:
                state.update(nodes[tool](state))
            return entrypoint.final(value=state["asks"], save=state)

        self.talk = talk
        self.durability = durability

    def turn(self, conversation: str, said: dict[str, Any], first: bool) -> str:
        """Takes one message to the conversation of that id and gives the question that follows."""
        config = {"configurable": {"thread_id": conversation}}
        return self.talk.invoke(said, config, durability=self.durability)


GRAPHS = [InvokePerTurn, InterruptAndResume]
