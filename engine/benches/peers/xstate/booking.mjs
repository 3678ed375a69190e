// The booking as an XState machine. The hotel's tools are small functions in this process, with the answers of
// conversation.json; they are called where a state is entered, and `always` transitions lead on from their answers. Every
// message leads straight to the next question or tool: a state in between that only decides would cost each turn a microstep.

import { assign, setup } from "xstate";

/** The hotel's three tools. */
export function tools(conversation) {
  const { get_room_availability, quote_stay, create_booking } = conversation.tools;
  return {
    getRoomAvailability: (startDate, endDate, guests, view) =>
      view === conversation.full_view
        ? { rooms: [] }
        : { rooms: get_room_availability.rooms.map((room) => ({ ...room, total: { ...room.total } })) },
    quoteStay: (roomId, startDate, endDate, guests) => ({ ...quote_stay, total: { ...quote_stay.total } }),
    createBooking: (roomId, dates, customerName, phoneNumber, guests, quoteId) => ({ ...create_booking }),
  };
}

const sameStay = (one, other) => one?.check_in === other.check_in && one?.check_out === other.check_out;

/** The context after a message; results that came from an older value are dropped. */
function heard(context, slots) {
  if (!slots) return context;
  const after = { ...context };
  const changed =
    (slots.stay && !sameStay(context.stay, slots.stay)) ||
    (slots.guests !== undefined && slots.guests !== context.guests) ||
    (slots.view !== undefined && slots.view !== context.view);
  if (slots.stay) after.stay = slots.stay;
  if (slots.guests !== undefined) after.guests = slots.guests;
  if (slots.view !== undefined) after.view = slots.view;
  if (slots.name !== undefined) after.name = slots.name;
  if (slots.phone !== undefined) after.phone = slots.phone;
  if (changed && context.offers) {
    after.offers = after.room = after.quote = null;
  } else if (slots.room !== undefined && context.offers) {
    const room = context.offers.rooms.find((offer) => offer.offer_id === slots.room);
    if (room) {
      after.room = room;
      after.quote = null;
    }
  }
  return after;
}

/** The same, worked out once for all the guards of a message and for the assignment that follows them. */
const after = ({ context, event }) => (event.after ??= heard(context, event.slots));

/** The machine; its state's name is the question that it asks. */
export function bookingMachine(conversation) {
  const hotel = tools(conversation);
  return setup({
    guards: {
      yes: ({ event }) => event.intent === "yes" && !event.slots,
      no: ({ event }) => event.intent === "no" && !event.slots,
      leavesNoStay: (given) => after(given).stay === null,
      leavesNoGuests: (given) => after(given).guests === null,
      leavesNoView: (given) => after(given).view === null,
      leavesNoOffers: (given) => after(given).offers === null,
      leavesNothingFree: (given) => after(given).offers.rooms.length === 0,
      leavesNoRoom: (given) => after(given).room === null,
      leavesNoQuote: (given) => after(given).quote === null,
      leavesNoName: (given) => after(given).name === null,
      leavesNoPhone: (given) => after(given).phone === null,
      nothingFree: ({ context }) => context.offers.rooms.length === 0,
      noName: ({ context }) => context.name === null,
      noPhone: ({ context }) => context.phone === null,
    },
    actions: {
      hear: assign(after),
      check: assign({
        offers: ({ context: { stay, guests, view } }) =>
          hotel.getRoomAvailability(stay.check_in, stay.check_out, guests, view),
      }),
      quote: assign({
        quote: ({ context: { room, stay, guests } }) =>
          hotel.quoteStay(room.room_id, stay.check_in, stay.check_out, guests),
      }),
      book: assign({
        booking: ({ context: { room, stay, name, phone, guests, quote } }) =>
          hotel.createBooking(room.room_id, stay, name, phone, guests, quote.quote_id),
      }),
    },
  }).createMachine({
    id: "booking",
    initial: "stay",
    context: {
      stay: null,
      guests: null,
      view: null,
      offers: null,
      room: null,
      quote: null,
      name: null,
      phone: null,
      booking: null,
    },
    on: {
      said: [
        { guard: "leavesNoStay", target: ".stay", actions: "hear" },
        { guard: "leavesNoGuests", target: ".guests", actions: "hear" },
        { guard: "leavesNoView", target: ".view", actions: "hear" },
        { guard: "leavesNoOffers", target: ".checking", actions: "hear" },
        { guard: "leavesNothingFree", target: ".sold_out", actions: "hear" },
        { guard: "leavesNoRoom", target: ".room", actions: "hear" },
        { guard: "leavesNoQuote", target: ".quoting", actions: "hear" },
        { guard: "leavesNoName", target: ".name", actions: "hear" },
        { guard: "leavesNoPhone", target: ".phone", actions: "hear" },
        { target: ".confirm", actions: "hear" },
      ],
    },
    states: {
      stay: {},
      guests: {},
      view: {},
      checking: { entry: "check", always: [{ guard: "nothingFree", target: "sold_out" }, { target: "room" }] },
      sold_out: {},
      room: {},
      quoting: {
        entry: "quote",
        always: [{ guard: "noName", target: "name" }, { guard: "noPhone", target: "phone" }, { target: "confirm" }],
      },
      name: {},
      phone: {},
      confirm: {
        on: { said: [{ guard: "yes", target: "booked" }, { guard: "no", target: "what_to_change" }] },
      },
      what_to_change: {},
      booked: { entry: "book", type: "final" },
    },
  });
}
