//! The hotel's tools, over MCP: a catalogue of what there is, and calls.
//!
//! The hotel may be embedded (an in-memory stream), an address, or a command; a caller cannot tell. A connection that
//! breaks is made again at the next call.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use innkeeper_engine::{Call, Outcome, Tool, Tools};
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ContentBlock, ErrorCode, JsonObject, ProtocolVersion,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RoleClient, RunningService, ServiceError};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use serde_json::Value as Json;
use tokio::io::DuplexStream;
use tokio::sync::RwLock;

use crate::fault::chain;

/// The argument that carries the key of a writing call, where a tool has it.
const IDEMPOTENCY_KEY: &str = "idempotency_key";

/// The longest a single call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

type Client = RunningService<RoleClient, ()>;

/// Where the hotel's MCP server is.
pub enum Address {
    /// In this process: each call makes a new stream that a server listens to.
    Embedded(Box<dyn Fn() -> BoxFuture<'static, DuplexStream> + Send + Sync>),
    /// At an http(s) address, streamable HTTP.
    Url(String),
    /// A program that speaks MCP on its standard input and output.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

/// A connection to the hotel's tools.
pub struct HotelTools {
    address: Address,
    client: RwLock<Option<Arc<Client>>>,
    catalog: Tools,
}

/// Why the hotel's tools cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ToolsFault {
    /// No connection.
    #[error("no connection to the hotel's MCP server")]
    Connect {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection broke, or the server answered nonsense.
    #[error("the hotel's MCP server failed")]
    Service {
        /// Why.
        #[source]
        source: Box<ServiceError>,
    },
}

impl HotelTools {
    /// Connects and asks what tools there are.
    ///
    /// # Errors
    /// [`ToolsFault`] when there is no server, or it does not list its tools.
    pub async fn connect(address: Address) -> Result<Self, ToolsFault> {
        let client = connect(&address).await?;
        let listed = client
            .list_all_tools()
            .await
            .map_err(|source| ToolsFault::Service { source: Box::new(source) })?;
        let catalog = listed
            .into_iter()
            .map(|tool| {
                let read_only =
                    tool.annotations.as_ref().is_some_and(|hints| hints.read_only_hint == Some(true));
                let tool = Tool {
                    name: tool.name.into_owned(),
                    input_schema: Json::Object(tool.input_schema.as_ref().clone()),
                    output_schema: tool.output_schema.map(|schema| Json::Object(schema.as_ref().clone())),
                    read_only,
                };
                (tool.name.clone(), tool)
            })
            .collect();
        Ok(Self { address, client: RwLock::new(Some(Arc::new(client))), catalog })
    }

    /// The tools there are.
    pub fn catalog(&self) -> &Tools {
        &self.catalog
    }

    /// Whether a writing tool that is called again under the same key does nothing twice: it takes one.
    pub fn honours_keys(&self, tool: &str) -> bool {
        self.catalog
            .get(tool)
            .and_then(|tool| tool.input_schema.get("properties")?.get(IDEMPOTENCY_KEY))
            .is_some()
    }

    /// Lets go of the connection; the next call makes another.
    pub async fn disconnect(&self) {
        self.client.write().await.take();
    }

    /// Calls a reading tool without arguments, outside any conversation.
    pub async fn read(&self, tool: &str) -> Outcome {
        let call = Call {
            id: 0,
            tool: tool.into(),
            arguments: innkeeper_engine::Arguments::default(),
            writes: false,
            retry: innkeeper_engine::Retry::default(),
            cache_ms: None,
        };
        self.call(&call, "").await
    }

    /// Makes a call, once, and waits no longer than `CALL_TIMEOUT`. A writing call carries `key` where the tool takes
    /// one.
    pub async fn call(&self, call: &Call, key: &str) -> Outcome {
        let client = match self.client().await {
            Ok(client) => client,
            Err(fault) => return Outcome::Unknown { message: chain(&fault) },
        };
        match tokio::time::timeout(CALL_TIMEOUT, client.call_tool(self.request(call, key))).await {
            Ok(Ok(result)) => outcome(result),
            // The server itself failed: whether it did what it was asked nobody knows.
            Ok(Err(ServiceError::McpError(error))) if error.code == ErrorCode::INTERNAL_ERROR => {
                Outcome::Unknown { message: error.message.into_owned() }
            }
            Ok(Err(ServiceError::McpError(error))) => {
                Outcome::Error { code: "protocol".to_owned(), message: error.message.into_owned() }
            }
            Ok(Err(error)) => {
                self.client.write().await.take();
                Outcome::Unknown { message: chain(&error) }
            }
            Err(_) => Outcome::Unknown { message: format!("no answer within {CALL_TIMEOUT:?}") },
        }
    }

    fn request(&self, call: &Call, key: &str) -> CallToolRequestParams {
        let mut arguments: JsonObject =
            call.arguments.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        if call.writes && self.honours_keys(&call.tool) {
            arguments.insert(IDEMPOTENCY_KEY.to_owned(), Json::String(key.to_owned()));
        }
        CallToolRequestParams::new(call.tool.to_string()).with_arguments(arguments)
    }

    async fn client(&self) -> Result<Arc<Client>, ToolsFault> {
        if let Some(client) = self.client.read().await.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let mut slot = self.client.write().await;
        if let Some(client) = slot.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(connect(&self.address).await?);
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }
}

async fn connect(address: &Address) -> Result<Client, ToolsFault> {
    let mode =
        ClientLifecycleMode::Auto { preferred_versions: vec![ProtocolVersion::LATEST], legacy_version: None };
    let fault = |source: Box<dyn std::error::Error + Send + Sync>| ToolsFault::Connect { source };
    match address {
        Address::Embedded(open) => {
            let stream = open().await;
            ().serve_with_lifecycle(stream, mode).await.map_err(|error| fault(Box::new(error)))
        }
        Address::Url(url) => {
            let transport = StreamableHttpClientTransport::from_uri(url.as_str());
            ().serve_with_lifecycle(transport, mode).await.map_err(|error| fault(Box::new(error)))
        }
        Address::Command { program, arguments } => {
            let mut command = tokio::process::Command::new(program);
            command.args(arguments).stderr(Stdio::inherit());
            let transport = TokioChildProcess::new(command).map_err(|error| fault(Box::new(error)))?;
            ().serve_with_lifecycle(transport, mode).await.map_err(|error| fault(Box::new(error)))
        }
    }
}

/// A result as the engine knows it. A tool's error text begins with its code: `room_unavailable: …`.
fn outcome(result: CallToolResult) -> Outcome {
    let text = || {
        let texts = result.content.iter().filter_map(|block| match block {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    };
    if result.is_error == Some(true) {
        let text = text();
        return match text.split_once(':') {
            Some((code, message)) if is_code(code) => {
                Outcome::Error { code: code.to_owned(), message: message.trim().to_owned() }
            }
            _ => Outcome::Error { code: "refused".to_owned(), message: text },
        };
    }
    let structured = result.structured_content.clone();
    let result = structured.or_else(|| serde_json::from_str(&text()).ok()).unwrap_or(Json::Null);
    Outcome::Ok { result: Arc::new(result) }
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
