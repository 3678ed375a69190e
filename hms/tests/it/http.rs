//! The tools over HTTP: both eras, and who is kept out.

use std::sync::Arc;

use innkeeper_hms::mcp::{HotelMcp, HttpAccess, http_service};
use innkeeper_hms::{Hotel, Opening};
use rmcp::ServiceExt;
use rmcp::model::ProtocolVersion;
use rmcp::service::{ClientLifecycleMode, ClientServiceExt};
use rmcp::transport::StreamableHttpClientTransport;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::desk::{checked, request};

/// The address of a running endpoint that ends with the token.
async fn endpoint(stop: &CancellationToken) -> String {
    // Another test may have installed it first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let hotel = Arc::new(Hotel::open(Opening::of("sqlite::memory:")).await.unwrap());
    let access = HttpAccess::loopback(stop.child_token())
        .and_host("desk.example")
        .and_origin("https://desk.example:443");
    let router = axum::Router::new().nest_service("/mcp", http_service(HotelMcp::new(hotel), access));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ended = stop.clone().cancelled_owned();
    tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(ended).await });
    format!("http://{address}/mcp")
}

#[tokio::test]
async fn both_eras_list_and_call_the_tools() {
    let stop = CancellationToken::new();
    let url = endpoint(&stop).await;
    let modern = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    let transport = || StreamableHttpClientTransport::from_uri(url.clone());
    let clients =
        [().serve(transport()).await.unwrap(), ().serve_with_lifecycle(transport(), modern).await.unwrap()];
    for client in clients {
        let tools = client.list_all_tools().await.unwrap();
        assert_eq!(tools.len(), 6);
        let info = tools.iter().find(|tool| tool.name == "get_hotel_info").unwrap();
        let answer =
            client.call_tool(request("get_hotel_info", json!({ "topic": "parking" }))).await.unwrap();
        assert_eq!(checked(info, answer).unwrap()["questions"][0]["topic"], "parking");
        client.cancel().await.unwrap();
    }
    stop.cancel();
}

#[tokio::test]
async fn a_foreign_page_or_a_foreign_name_is_kept_out() {
    let stop = CancellationToken::new();
    let url = endpoint(&stop).await;
    let status = async |header: &str, value: &str| {
        let hello: Value = json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" },
            },
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(&url).header("accept", "application/json, text/event-stream").json(&hello);
        request.header(header, value).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("x-nothing", "1").await, 200);
    assert_eq!(status("origin", "http://localhost:5173").await, 200);
    assert_eq!(status("origin", "https://desk.example").await, 200);
    assert_eq!(status("origin", "https://evil.example").await, 403);
    assert_eq!(status("origin", "null").await, 403);
    assert_eq!(status("host", "desk.example").await, 200);
    assert_eq!(status("host", "evil.example").await, 403);
    stop.cancel();
}
