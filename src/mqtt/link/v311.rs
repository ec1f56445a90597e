//! MQTT 3.1.1.

use rumqttc::mqttbytes::Error as MqttError;
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    NetworkOptions, Outgoing, Packet, QoS, StateError, SubscribeFilter, SubscribeReasonCode,
};

use super::{
    Address, Client, Heard, Incoming, LARGEST, Line, Link, Message, Outage, ROOM, WINDOW, login,
    refused, transport,
};

pub(super) fn dial(address: &Address, will: Message) -> Result<Link, Outage> {
    let mut options = MqttOptions::new(&address.client_id, &address.host, address.port);
    options
        .set_keep_alive(address.keep_alive)
        // A broker would keep commands for ever; see `Address::version`.
        .set_clean_session(true)
        .set_max_packet_size(LARGEST, LARGEST)
        .set_inflight(WINDOW)
        .set_transport(transport(address)?)
        .set_last_will(LastWill::new(
            will.topic,
            will.payload,
            QoS::AtLeastOnce,
            will.retain,
        ));
    if let Some((user, password)) = login(address)? {
        options.set_credentials(user, password);
    }
    let (client, mut network) = AsyncClient::new(options, ROOM);
    let mut tcp = NetworkOptions::new();
    tcp.set_tcp_nodelay(true);
    network.set_network_options(tcp);
    Ok(Link::new(Client::V311(client), |line| poll(network, line)))
}

async fn poll(mut network: EventLoop, line: Line) {
    while line
        .tell(network.poll().await.map(heard).map_err(Outage::from))
        .await
    {}
}

fn heard(event: Event) -> Option<Heard> {
    Some(match event {
        Event::Incoming(Packet::ConnAck(_)) => Heard::Connected(LARGEST),
        Event::Incoming(Packet::PubAck(ack)) => Heard::Acknowledged(ack.pkid),
        Event::Incoming(Packet::SubAck(ack)) => refused(&ack.return_codes, |code| {
            matches!(code, SubscribeReasonCode::Success(_))
        }),
        Event::Incoming(Packet::Publish(message)) => Heard::Message(Incoming {
            topic: message.topic,
            payload: message.payload.to_vec(),
            retained: message.retain,
            correlation: None,
        }),
        Event::Outgoing(Outgoing::Publish(packet)) => Heard::Sent(packet),
        Event::Outgoing(Outgoing::Disconnect) => Heard::Farewell,
        _ => return None,
    })
}

pub(super) fn publish(client: &AsyncClient, message: Message) -> Option<()> {
    let Message {
        topic,
        payload,
        retain,
        ..
    } = message;
    client
        .try_publish(topic, QoS::AtLeastOnce, retain, payload)
        .ok()
}

pub(super) fn subscribe(client: &AsyncClient, topics: &[String]) -> Option<()> {
    let filters = topics
        .iter()
        .map(|topic| SubscribeFilter::new(topic.clone(), QoS::AtLeastOnce));
    client.try_subscribe_many(filters).ok()
}

impl From<ConnectionError> for Outage {
    fn from(error: ConnectionError) -> Self {
        use ConnectionError as E;
        match error {
            E::ConnectionRefused(
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
            ) => Self::LoginRefused,
            E::ConnectionRefused(code) => Self::Refused(format!("{code:?}")),
            E::Io(error) => Self::of_io(error),
            #[cfg(feature = "tls")]
            E::Tls(error) => super::tls::outage(error),
            E::NetworkTimeout | E::FlushTimeout => Self::Stalled,
            E::MqttState(
                StateError::Io(error) | StateError::Deserialization(MqttError::Io(error)),
            ) => Self::of_io(error),
            E::MqttState(StateError::ConnectionAborted) => Self::Closed,
            E::MqttState(StateError::AwaitPingResp) => Self::Stalled,
            other => Self::Protocol(other.to_string()),
        }
    }
}
