//! What is sent, as the Cloud API takes it.

use serde_json::{Map, Value as Json, json};

use super::read::Recipient;
use crate::channel::{Body, List, Outbound, Template};
use crate::message::{Button, Place};

/// A message's JSON. `sound` is the id of an uploaded file, for a message that is one.
pub(super) fn json_of(outbound: &Outbound, sound: Option<&str>) -> Json {
    let mut message = Map::new();
    message.insert("messaging_product".to_owned(), "whatsapp".into());
    message.insert("recipient_type".to_owned(), "individual".into());
    match Recipient::of(&outbound.to) {
        Recipient::Number(digits) => message.insert("to".to_owned(), digits.into()),
        Recipient::Scoped(id) => message.insert("recipient".to_owned(), id.into()),
    };
    message.insert("biz_opaque_callback_data".to_owned(), outbound.id.to_string().into());
    if let Some(id) = &outbound.reply_to {
        message.insert("context".to_owned(), json!({"message_id": id}));
    }
    let (kind, content) = match &outbound.body {
        Body::Text(text) => ("text", json!({"preview_url": false, "body": text})),
        Body::Buttons { text, buttons } => ("interactive", with_buttons(text, buttons)),
        Body::List(list) => ("interactive", with_list(list)),
        Body::Template(filled) => ("template", template(filled)),
        Body::Sound(_) => ("audio", json!({"id": sound, "voice": true})),
        Body::Place { place, .. } => ("location", pin(place)),
    };
    message.insert("type".to_owned(), kind.into());
    message.insert(kind.to_owned(), content);
    Json::Object(message)
}

fn with_buttons(text: &str, buttons: &[Button]) -> Json {
    let buttons: Vec<Json> = buttons
        .iter()
        .map(|button| json!({"type": "reply", "reply": {"id": button.id, "title": button.title}}))
        .collect();
    json!({"type": "button", "body": {"text": text}, "action": {"buttons": buttons}})
}

fn with_list(list: &List) -> Json {
    let rows: Vec<Json> = list
        .rows
        .iter()
        .map(|row| {
            let mut json = json!({"id": row.id, "title": row.title});
            if let Some(description) = &row.description {
                json["description"] = description.as_str().into();
            }
            json
        })
        .collect();
    json!({
        "type": "list", "body": {"text": list.text},
        "action": {"button": list.opener, "sections": [{"rows": rows}]},
    })
}

fn template(template: &Template) -> Json {
    let mut components = Vec::new();
    if !template.values.is_empty() {
        let values: Vec<Json> =
            template.values.iter().map(|value| json!({"type": "text", "text": value})).collect();
        components.push(json!({"type": "body", "parameters": values}));
    }
    for (index, payload) in template.payloads.iter().enumerate() {
        components.push(json!({
            "type": "button", "sub_type": "quick_reply", "index": index.to_string(),
            "parameters": [{"type": "payload", "payload": payload}],
        }));
    }
    json!({"name": template.name, "language": {"code": template.language}, "components": components})
}

fn pin(place: &Place) -> Json {
    let mut pin = json!({"latitude": place.latitude, "longitude": place.longitude});
    if let Some(label) = &place.label {
        pin["name"] = label.as_str().into();
    }
    if let Some(address) = &place.address {
        pin["address"] = address.as_str().into();
    }
    pin
}
