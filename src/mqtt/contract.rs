//! The contract with subscribers, from the types themselves: JSON Schemas and an AsyncAPI document under `docs/reference`,
//! and the proof that what is sent keeps to them.
//!
//! `VINSPECT_WRITE_CONTRACT=1 cargo test contract` writes them anew.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::command::{self, Expect, Light, Name, Plain};
use super::message::{LastRead, Read, ResultMessage, State, Status, StatusMessage};
use super::{Topics, message};
use crate::health::{Cause, Health};
use crate::reader::{Decision, Fusion, script};
use crate::station::order::{Declined, Done, Match};
use crate::station::{FaultKind, Source, Trouble, Verdict};

/// JSON Schema draft 7, which AsyncAPI takes as it is. Without references, which would point elsewhere in another document.
fn schema<T: JsonSchema>(sent: bool) -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    let settings = if sent {
        settings.for_serialize()
    } else {
        settings.for_deserialize()
    };
    settings.into_generator().into_root_schema_for::<T>().into()
}

/// Each message: its name, its schema, and whether the station sends it.
fn messages() -> [(&'static str, Value, bool); 7] {
    [
        ("read", schema::<Read>(true), true),
        ("status", schema::<StatusMessage>(true), true),
        ("result", schema::<ResultMessage>(true), true),
        ("trigger", schema::<Plain>(false), false),
        ("expect", schema::<Expect>(false), false),
        ("light", schema::<Light>(false), false),
        ("capture", schema::<Plain>(false), false),
    ]
}

fn schema_of(name: &str) -> Value {
    let mut messages = messages().into_iter();
    messages.find(|message| message.0 == name).unwrap().1
}

fn asyncapi() -> Value {
    let topics = Topics::new("{site}", "{station}");
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut components: Map<_, _> = messages()
        .into_iter()
        .map(|(name, mut schema, _)| {
            schema.as_object_mut().unwrap().remove("$schema");
            let message = json!({
                "name": name,
                "summary": schema["description"],
                "contentType": "application/json",
                "payload": schema,
            });
            (name.to_owned(), message)
        })
        .collect();
    let picture = json!({
        "name": "snapshot",
        "summary": "A picture: JPEG, grey. The correlation data of MQTT 5 is the id of its read.",
        "contentType": "image/jpeg",
        "payload": {"type": "string", "format": "binary"},
    });
    components.insert("snapshot".into(), picture);
    let mut add = |name: &str, address: &str, message: &str, sent: bool, retain: bool| {
        let name = name.replace('/', "-");
        channels.insert(
            name.clone(),
            json!({
                "address": address,
                "parameters": {
                    "site": {"description": "station.site of the configuration"},
                    "station": {"description": "station.name of the configuration"},
                },
                "messages": {message: {"$ref": format!("#/components/messages/{message}")}},
            }),
        );
        operations.insert(
            name.clone(),
            json!({
                "action": if sent { "send" } else { "receive" },
                "channel": {"$ref": format!("#/channels/{name}")},
                "bindings": {"mqtt": {"qos": 1, "retain": retain}},
            }),
        );
    };
    add("read", &topics.read, "read", true, false);
    add("status", &topics.status, "status", true, true);
    add("snapshot", &topics.snapshot, "snapshot", true, false);
    for name in Name::ALL {
        let command = name.as_str();
        let (ask, answer) = (topics.command(name), topics.result(name));
        add(&format!("cmd/{command}"), &ask, command, false, false);
        add(
            &format!("cmd/{command}/result"),
            &answer,
            "result",
            true,
            false,
        );
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "vinspect",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a station publishes and understands over MQTT, seen from the station: it sends reads and receives commands.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": components},
    })
}

fn documents() -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let mut documents = vec![(folder.join("asyncapi.json"), asyncapi())];
    documents.extend(messages().map(|(name, schema, _)| {
        let file = format!("schemas/{name}.json");
        (folder.join(file), schema)
    }));
    documents
}

#[test]
fn the_documents_are_those_of_the_types() {
    for (path, document) in documents() {
        let text = format!("{document:#}\n");
        if std::env::var_os("VINSPECT_WRITE_CONTRACT").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "{} is out of date; VINSPECT_WRITE_CONTRACT=1 cargo test contract writes it",
            path.display()
        );
    }
}

/// The schema as strict as it can be: whatever is sent must be described.
fn strict(mut schema: Value) -> jsonschema::Validator {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(map) => {
                if map.contains_key("properties") {
                    map.insert("additionalProperties".into(), false.into());
                }
                map.values_mut().for_each(close);
            }
            Value::Array(list) => list.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
}

#[track_caller]
fn keeps_to(name: &str, message: &str) {
    let message: Value = serde_json::from_str(message).unwrap();
    if let Err(error) = strict(schema_of(name)).validate(&message) {
        panic!("{name}: {error} at {}: {message:#}", error.instance_path);
    }
}

fn verdict(seen: bool) -> Verdict {
    let mut fusion = Fusion::new(Decision {
        accept_at: 0.9,
        ..Decision::embedded().unwrap()
    });
    if seen {
        fusion.add(script::seen(script::clear("1HGCM82633A004352")));
    }
    let time: jiff::Zoned = "2026-03-01T08:00:00.25+01:00[+01:00]".parse().unwrap();
    Verdict {
        id: uuid::Uuid::nil(),
        source: Source::Gpio,
        triggered_at: time.clone(),
        decided_at: time,
        reading: fusion.reading(),
        expected: seen.then_some(Match::Unexpected),
        frames: 1,
        skipped: 0,
        picture: None,
        missed: 0,
        faults: vec![Trouble {
            kind: FaultKind::Camera,
            message: "the camera is away".into(),
        }],
        timings: crate::station::Timings::default(),
    }
}

#[test]
fn what_is_sent_keeps_to_the_contract() {
    for seen in [true, false] {
        keeps_to("read", &message::read_message("s", "b", 1, &verdict(seen)));
    }
    let health = Health::default();
    health.ails(Cause::Camera, "the camera is away");
    let degraded = Status {
        state: State::Degraded,
        causes: health.ailments(),
        uptime: Some(std::time::Duration::from_secs(5)),
        pending: Some(3),
        dropped: Some(0),
        last_read: Some(LastRead {
            id: uuid::Uuid::nil(),
            decided_at: verdict(true).decided_at,
            outcome: crate::reader::Outcome::Accepted,
        }),
        models: Some(message::Models::default()),
    };
    for status in [degraded, Status::default()] {
        keeps_to("status", &message::status_message(&status));
    }
    for name in Name::ALL {
        for done in [
            Ok(Done::Read(uuid::Uuid::nil())),
            Ok(Done::Light),
            Err(Declined::Busy),
            Err(Declined::Unsaved(uuid::Uuid::nil())),
        ] {
            let result = message::result_message(name, Some("7".into()), &done);
            keeps_to("result", &result);
        }
    }
}

/// The schemas of commands allow what is understood, and forbid what is not, as far as a schema can tell.
#[test]
fn what_is_understood_is_what_the_contract_allows() {
    for (name, payload, fits) in [
        (Name::Trigger, json!({}), true),
        (Name::Trigger, json!({"correlation": "7"}), true),
        (Name::Trigger, json!({"correlation": 7}), false),
        (Name::Capture, json!({"now": true}), false),
        (Name::Expect, json!({"vins": []}), true),
        (
            Name::Expect,
            json!({"vins": ["1HGCM82633A004352"], "within_s": 60}),
            true,
        ),
        (Name::Expect, json!({"within_s": 60}), false),
        (Name::Light, json!({"on": true, "for_s": 2.5}), true),
        (Name::Light, json!({"on": "yes"}), false),
    ] {
        let schema = schema_of(name.as_str());
        let told = jsonschema::validator_for(&schema)
            .unwrap()
            .is_valid(&payload);
        let understood = command::parse(name, payload.to_string().as_bytes()).is_ok();
        assert_eq!((told, understood), (fits, fits), "{payload}");
    }
}
