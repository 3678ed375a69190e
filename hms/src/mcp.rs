//! The hotel as an MCP server: six tools, thin over the hotel's verbs.
//!
//! The same handler serves an in-memory duplex, standard input and output, and HTTP
//! ([`http_service`]). A refusal is a tool result with `isError` and one text that begins with a
//! code and ends with the next step; a fault is a JSON-RPC error.

mod arguments;
mod http;
mod schema;
mod tools;

use std::sync::Arc;

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::{
    CallToolResult, ContentBlock, Implementation, JsonObject, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use serde::Serialize;

use crate::{Availability, Booking, Cancellation, Fault, FoundBookings, Hotel, HotelInfo, Outcome, Quote};
use arguments::{Arguments, Wrong};

pub use http::{HotelHttp, HttpAccess, http_service};

const INSTRUCTIONS: &str = "The booking desk of one hotel. Ask get_hotel_info for today's date, the kinds of rooms \
and answers to guests' questions. To book: get_room_availability, then quote_stay, read the price and the dates to \
the guest, and only after their yes create_booking with the quote_id and an idempotency_key of your own, the same \
when you repeat the call. To cancel: find_bookings with the guest's own phone number, or with reference and surname, \
say the cancellation fee, and only after their yes cancel_booking. Dates are YYYY-MM-DD at the hotel; end_date is the \
day of leaving. Amounts are in minor units: 28400 EUR is 284.00 euros. When a call is refused, the text begins with a \
code and ends with what to do next.";

/// The MCP face of a hotel; cheap to clone.
#[derive(Clone)]
pub struct HotelMcp {
    hotel: Arc<Hotel>,
    router: Arc<ToolRouter<Self>>,
}

/// Why a tool did not answer with a result.
enum Stop {
    /// The caller must do something else; the text says what.
    Said(String),
    /// The hotel itself failed.
    Fault(Fault),
}

impl HotelMcp {
    /// The face of this hotel.
    pub fn new(hotel: Arc<Hotel>) -> Self {
        Self { hotel, router: Arc::new(Self::tool_router()) }
    }

    async fn arguments(&self, tool: &'static tools::Tool, given: JsonObject) -> Result<Arguments, Stop> {
        let whereabouts = self.hotel.whereabouts().await?;
        Ok(Arguments::read(tool, given, whereabouts)?)
    }
}

#[tool_router]
impl HotelMcp {
    #[tool(
        description = tools::AVAILABILITY.description,
        input_schema = tools::AVAILABILITY.input_schema(),
        output_schema = schema::output::<Availability>(),
        annotations(
            title = "Find free rooms",
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn get_room_availability(&self, given: JsonObject) -> Result<CallToolResult, ErrorData> {
        let look = async {
            let wish = self.arguments(&tools::AVAILABILITY, given).await?.wish()?;
            answered(self.hotel.availability(&wish).await)
        };
        finish("get_room_availability", look.await)
    }

    #[tool(
        description = tools::QUOTE.description,
        input_schema = tools::QUOTE.input_schema(),
        output_schema = schema::output::<Quote>(),
        annotations(
            title = "Price a stay",
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn quote_stay(&self, given: JsonObject) -> Result<CallToolResult, ErrorData> {
        let quote = async {
            let arguments = self.arguments(&tools::QUOTE, given).await?;
            let (room, stay, party) = (arguments.room()?, arguments.stay()?, arguments.party()?);
            answered(self.hotel.quote(&room, stay, party).await)
        };
        finish("quote_stay", quote.await)
    }

    #[tool(
        description = tools::BOOK.description,
        input_schema = tools::BOOK.input_schema(),
        output_schema = schema::output::<Booking>(),
        annotations(
            title = "Book a room",
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn create_booking(
        &self,
        given: JsonObject,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let book = async {
            let arguments = self.arguments(&tools::BOOK, given).await?;
            let (wanted, key) = (arguments.new_booking()?, arguments.key(&context.meta)?);
            answered(self.hotel.book(&wanted, key.as_ref()).await)
        };
        finish("create_booking", book.await)
    }

    #[tool(
        description = tools::CANCEL.description,
        input_schema = tools::CANCEL.input_schema(),
        output_schema = schema::output::<Cancellation>(),
        annotations(
            title = "Cancel a booking",
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn cancel_booking(
        &self,
        given: JsonObject,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let cancel = async {
            let arguments = self.arguments(&tools::CANCEL, given).await?;
            let (booking_id, key) = (arguments.booking_id()?, arguments.key(&context.meta)?);
            answered(self.hotel.cancel(&booking_id, key.as_ref()).await)
        };
        finish("cancel_booking", cancel.await)
    }

    #[tool(
        description = tools::FIND.description,
        input_schema = tools::FIND.input_schema(),
        output_schema = schema::output::<FoundBookings>(),
        annotations(
            title = "Find a guest's bookings",
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn find_bookings(&self, given: JsonObject) -> Result<CallToolResult, ErrorData> {
        let find = async {
            let search = self.arguments(&tools::FIND, given).await?.search()?;
            Ok(self.hotel.find(&search).await?)
        };
        finish("find_bookings", find.await)
    }

    #[tool(
        description = tools::INFO.description,
        input_schema = tools::INFO.input_schema(),
        output_schema = schema::output::<HotelInfo>(),
        annotations(
            title = "Know the hotel",
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn get_hotel_info(&self, given: JsonObject) -> Result<CallToolResult, ErrorData> {
        let info = async {
            let topic = self.arguments(&tools::INFO, given).await?.topic()?;
            Ok(self.hotel.info(topic.as_deref()).await?)
        };
        finish("get_hotel_info", info.await)
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for HotelMcp {
    fn get_info(&self) -> ServerConfig {
        let server =
            Implementation::new("innkeeper-hms", env!("CARGO_PKG_VERSION")).with_title("Innkeeper hotel");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(server)
            .with_instructions(INSTRUCTIONS)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Self {
        Self::Said(wrong.to_string())
    }
}

/// A verb's outcome as what a tool answers.
fn answered<T>(outcome: Result<Outcome<T>, Fault>) -> Result<T, Stop> {
    match outcome? {
        Outcome::Done(result) => Ok(result),
        Outcome::Refused(refusal) => Err(Stop::Said(refusal.to_string())),
    }
}

/// The one place where a result, a refusal and a fault take their MCP forms.
fn finish<T: Serialize>(tool: &'static str, answer: Result<T, Stop>) -> Result<CallToolResult, ErrorData> {
    let failed = || ErrorData::internal_error("the hotel cannot answer at the moment; try again later", None);
    match answer {
        Ok(result) => match serde_json::to_value(result) {
            Ok(value) => Ok(CallToolResult::structured(value)),
            Err(error) => {
                tracing::error!(tool, %error, "a tool result could not be written as JSON");
                Err(failed())
            }
        },
        Err(Stop::Said(text)) => Ok(CallToolResult::error(vec![ContentBlock::text(text)])),
        Err(Stop::Fault(fault)) => {
            let cause = std::error::Error::source(&fault).map(ToString::to_string);
            tracing::error!(tool, %fault, cause, "a hotel tool failed");
            Err(failed())
        }
    }
}
