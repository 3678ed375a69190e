"""The booking itself: what is kept, the tools, and which question comes next. Knows nothing of LangGraph."""

from typing import Any, TypedDict


class Booking(TypedDict, total=False):
    """What a conversation keeps from turn to turn."""

    said: dict[str, Any]
    stay: dict[str, str] | None
    guests: int | None
    view: str | None
    offers: dict[str, Any] | None
    room: dict[str, Any] | None
    quote: dict[str, Any] | None
    name: str | None
    phone: str | None
    booking: dict[str, Any] | None
    asks: str | None


class Tools:
    """The hotel's three tools: small functions in this process, with the answers of conversation.json."""

    def __init__(self, conversation: dict[str, Any]) -> None:
        self.rooms = conversation["tools"]["get_room_availability"]["rooms"]
        self.quote = conversation["tools"]["quote_stay"]
        self.booking = conversation["tools"]["create_booking"]
        self.full_view = conversation["full_view"]

    def get_room_availability(self, start_date: str, end_date: str, guests: int, view: str) -> dict[str, Any]:
        if view == self.full_view:
            return {"rooms": []}
        return {"rooms": [{**room, "total": {**room["total"]}} for room in self.rooms]}

    def quote_stay(self, room_id: str, start_date: str, end_date: str, guests: int) -> dict[str, Any]:
        return {**self.quote, "total": {**self.quote["total"]}}

    def create_booking(
        self,
        room_id: str,
        dates: dict[str, str],
        customer_name: str,
        phone_number: str,
        guests: int,
        quote_id: str,
    ) -> dict[str, Any]:
        return {**self.booking}


def heard(state: Booking, said: dict[str, Any]) -> Booking:
    """What changes in the state by what the guest said; results that came from an older value are dropped."""
    update: Booking = {}
    slots = said.get("slots")
    if not slots:
        return update
    for slot in ("stay", "guests", "view"):
        if slot in slots and slots[slot] != state.get(slot):
            update[slot] = slots[slot]
            if state.get("offers") is not None:
                update["offers"] = update["room"] = update["quote"] = None
    for slot in ("name", "phone"):
        if slot in slots:
            update[slot] = slots[slot]
    offers = update.get("offers", state.get("offers"))
    if "room" in slots and offers is not None:
        for room in offers["rooms"]:
            if room["offer_id"] == slots["room"]:
                update["room"] = room
                if state.get("quote") is not None:
                    update["quote"] = None
    return update


def question(state: Booking) -> str | None:
    """The question that the state leads to; none where a tool is due first."""
    for slot in ("stay", "guests", "view"):
        if state.get(slot) is None:
            return slot
    offers = state.get("offers")
    if offers is None:
        return None
    if not offers["rooms"]:
        return "sold_out"
    if state.get("room") is None:
        return "room"
    if state.get("quote") is None:
        return None
    for slot in ("name", "phone"):
        if state.get(slot) is None:
            return slot
    return "confirm"
