//! Home Assistant: one retained message describes the station as a device with its sensors.
//! (<https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload>)

use serde_json::{Value, json};

use super::Topics;
use super::link::Message;

/// Where Home Assistant announces itself.
pub(super) fn born(prefix: &str) -> String {
    format!("{prefix}/status")
}

/// What it is told.
pub(super) fn message(prefix: &str, topics: &Topics) -> Message {
    let id = identifier(topics);
    let description = description(&id, topics).to_string();
    Message {
        retain: true,
        ..Message::json(format!("{prefix}/device/{id}/config"), description)
    }
}

/// Letters, digits, `_` and `-` only; different stations differ.
fn identifier(topics: &Topics) -> String {
    let plain = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
        other => format!("_{other:02x}"),
    };
    topics.root.bytes().map(plain).collect()
}

fn description(id: &str, topics: &Topics) -> Value {
    let sensor = |key: &str, name: &str, more: Value| {
        let mut sensor = json!({
            "platform": "sensor",
            "unique_id": format!("{id}_{key}"),
            "name": name,
        });
        if let (Value::Object(sensor), Value::Object(more)) = (&mut sensor, more) {
            sensor.extend(more);
        }
        (key.to_owned(), sensor)
    };
    let of_read = |key, name, template: &str, icon: &str| {
        let more = json!({"state_topic": topics.read, "value_template": template, "icon": icon});
        sensor(key, name, more)
    };
    let components: serde_json::Map<_, _> = [
        sensor(
            "vin",
            "VIN",
            json!({
                "state_topic": topics.read,
                "value_template": "{{ value_json.vin or 'none' }}",
                "json_attributes_topic": topics.read,
                "icon": "mdi:car-info",
            }),
        ),
        of_read(
            "outcome",
            "Outcome",
            "{{ value_json.outcome }}",
            "mdi:check-decagram",
        ),
        sensor(
            "confidence",
            "Confidence",
            json!({
                "state_topic": topics.read,
                "value_template": "{{ (100 * value_json.confidence) | round(1) }}",
                "unit_of_measurement": "%",
                "icon": "mdi:percent",
            }),
        ),
        sensor(
            "state",
            "State",
            json!({
                "state_topic": topics.status,
                "value_template": "{{ value_json.state }}",
                "json_attributes_topic": topics.status,
                "entity_category": "diagnostic",
                "icon": "mdi:state-machine",
            }),
        ),
        (
            "read".to_owned(),
            json!({
                "platform": "button",
                "unique_id": format!("{id}_read"),
                "name": "Read",
                "command_topic": topics.command(super::Name::Trigger),
                "payload_press": "{}",
                "icon": "mdi:camera",
            }),
        ),
        (
            "snapshot".to_owned(),
            json!({
                "platform": "camera",
                "unique_id": format!("{id}_snapshot"),
                "name": "Snapshot",
                "topic": topics.snapshot,
            }),
        ),
    ]
    .into_iter()
    .collect();
    json!({
        "device": {
            "identifiers": [id],
            "name": topics.root,
            "manufacturer": "vinspect",
            "model": "VIN reader",
            "sw_version": env!("CARGO_PKG_VERSION"),
        },
        "origin": {"name": "vinspect", "sw_version": env!("CARGO_PKG_VERSION")},
        "availability": [{
            "topic": topics.status,
            "value_template": "{{ 'offline' if value_json.state == 'offline' else 'online' }}",
        }],
        "qos": 1,
        "components": components,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn stations_have_identifiers_of_their_own() {
        let [a, b] = [("s_1", "b"), ("s/1", "b")].map(|(site, name)| Topics::new(site, name));
        assert_ne!(identifier(&a), identifier(&b));
    }

    #[test]
    fn every_component_has_a_platform_and_an_identifier_of_its_own() {
        let message = message("homeassistant", &Topics::new("workshop", "bay1"));
        assert_eq!(
            message.topic,
            "homeassistant/device/vinspect_2fworkshop_2fbay1/config"
        );
        assert!(message.retain);
        let description: Value = serde_json::from_slice(&message.payload).unwrap();
        let components = description["components"].as_object().unwrap();
        let mut identifiers: Vec<_> = components
            .values()
            .map(|c| (c["platform"].is_string(), c["unique_id"].as_str().unwrap()))
            .collect();
        identifiers.dedup();
        assert_eq!(identifiers.len(), components.len());
        assert!(identifiers.iter().all(|(platform, _)| *platform));
        assert_eq!(
            description["availability"][0]["topic"],
            "vinspect/workshop/bay1/status"
        );
    }
}
