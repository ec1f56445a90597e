//! MQTT 5.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, DisconnectReasonCode, Filter, LastWill, Packet, PubAckReason,
    PublishProperties, SubscribeReasonCode,
};
use rumqttc::v5::mqttbytes::{Error as MqttError, QoS};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};
use rumqttc::{NetworkOptions, Outgoing};

use super::{
    Address, Client, Heard, Incoming, LARGEST, Line, Link, Message, Outage, ROOM, SESSION_EXPIRY_S,
    WINDOW, login, refused, transport,
};

pub(super) fn dial(address: &Address, will: Message) -> Result<Link, Outage> {
    let mut options = MqttOptions::new(&address.client_id, &address.host, address.port);
    let mut tcp = NetworkOptions::new();
    tcp.set_tcp_nodelay(true);
    options
        .set_keep_alive(address.keep_alive)
        .set_clean_start(false)
        .set_session_expiry_interval(Some(SESSION_EXPIRY_S))
        .set_max_packet_size(Some(LARGEST as u32))
        .set_receive_maximum(Some(WINDOW))
        .set_outgoing_inflight_upper_limit(WINDOW)
        .set_network_options(tcp)
        .set_transport(transport(address)?)
        .set_last_will(LastWill::new(
            will.topic,
            will.payload,
            QoS::AtLeastOnce,
            will.retain,
            None,
        ));
    if let Some((user, password)) = login(address)? {
        options.set_credentials(user, password);
    }
    let (client, network) = AsyncClient::new(options, ROOM);
    Ok(Link::new(Client::V5(client), |line| poll(network, line)))
}

async fn poll(mut network: EventLoop, line: Line) {
    while line
        .tell(network.poll().await.map(heard).map_err(Outage::from))
        .await
    {}
}

fn heard(event: Event) -> Option<Heard> {
    Some(match event {
        Event::Incoming(Packet::ConnAck(ack)) => {
            let limit = ack
                .properties
                .and_then(|properties| properties.max_packet_size);
            Heard::Connected(limit.map_or(usize::MAX, |limit| limit as usize))
        }
        Event::Incoming(Packet::PubAck(ack)) => match refusal(ack.reason) {
            Some(why) => Heard::Refused(ack.pkid, why),
            None => Heard::Acknowledged(ack.pkid),
        },
        Event::Incoming(Packet::SubAck(ack)) => refused(&ack.return_codes, |code| {
            matches!(code, SubscribeReasonCode::Success(_))
        }),
        Event::Incoming(Packet::Publish(message)) => Heard::Message(Incoming {
            topic: String::from_utf8_lossy(&message.topic).into_owned(),
            payload: message.payload.to_vec(),
            retained: message.retain,
            correlation: message
                .properties
                .and_then(|properties| properties.correlation_data)
                .map(|data| data.to_vec()),
        }),
        Event::Outgoing(Outgoing::Publish(packet)) => Heard::Sent(packet),
        Event::Outgoing(Outgoing::Disconnect) => Heard::Farewell,
        _ => return None,
    })
}

/// Why a broker did not take a message; none if it did.
fn refusal(reason: PubAckReason) -> Option<&'static str> {
    match reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => None,
        PubAckReason::NotAuthorized => Some("this client may not publish there"),
        PubAckReason::QuotaExceeded => Some("a quota is exceeded"),
        PubAckReason::TopicNameInvalid => Some("the topic is not allowed"),
        PubAckReason::PayloadFormatInvalid => Some("the payload is not allowed"),
        _ => Some("it does not say why"),
    }
}

pub(super) fn publish(client: &AsyncClient, message: Message) -> Option<()> {
    let properties = PublishProperties {
        correlation_data: message.correlation.map(Bytes::from),
        content_type: message.content_type.map(str::to_owned),
        ..PublishProperties::default()
    };
    client
        .try_publish_with_properties(
            message.topic,
            QoS::AtLeastOnce,
            message.retain,
            message.payload,
            properties,
        )
        .ok()
}

pub(super) fn subscribe(client: &AsyncClient, topics: &[String]) -> Option<()> {
    let filters = topics
        .iter()
        .map(|topic| Filter::new(topic.clone(), QoS::AtLeastOnce));
    client.try_subscribe_many(filters).ok()
}

impl From<ConnectionError> for Outage {
    fn from(error: ConnectionError) -> Self {
        use ConnectionError as E;
        match error {
            E::ConnectionRefused(
                ConnectReturnCode::BadUserNamePassword
                | ConnectReturnCode::NotAuthorized
                | ConnectReturnCode::Banned,
            ) => Self::LoginRefused,
            E::ConnectionRefused(
                ConnectReturnCode::UnsupportedProtocolVersion
                | ConnectReturnCode::RefusedProtocolVersion,
            ) => Self::Refused("it does not speak MQTT 5; set mqtt.version = \"3.1.1\"".into()),
            E::ConnectionRefused(code) => Self::Refused(format!("{code:?}")),
            E::Timeout(_) => Self::Stalled,
            E::Io(error) => Self::of_io(error),
            #[cfg(feature = "tls")]
            E::Tls(error) => super::tls::outage(error),
            E::MqttState(StateError::ServerDisconnect { reason_code, .. }) => match reason_code {
                DisconnectReasonCode::SessionTakenOver => Self::TakenOver,
                DisconnectReasonCode::NotAuthorized => Self::LoginRefused,
                other => Self::Refused(format!("{other:?}")),
            },
            E::MqttState(
                StateError::Io(error) | StateError::Deserialization(MqttError::Io(error)),
            ) => Self::of_io(error),
            E::MqttState(StateError::ConnectionAborted) => Self::Closed,
            E::MqttState(StateError::AwaitPingResp) => Self::Stalled,
            other => Self::Protocol(other.to_string()),
        }
    }
}
