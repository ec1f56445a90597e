//! An MQTT broker inside the program, and a subscriber to it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use rumqttd::{Broker, Config};

use crate::cli::Failure;

/// How long a broker may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts a broker on a free port of the loopback interface; it lives as long as the program.
pub fn start() -> Result<u16, Failure> {
    // The port is free again when the broker takes it; nobody else is likely to in between.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port();
    let settings = format!(
        r#"
        id = 0
        [router]
        max_connections = 32
        max_outgoing_packet_count = 200
        max_segment_size = 1048576
        max_segment_count = 4
        [v4.1]
        name = "demo"
        listen = "127.0.0.1:{port}"
        next_connection_delay_ms = 1
        [v4.1.connections]
        connection_timeout_ms = 5000
        max_payload_size = 1048576
        max_inflight_count = 100
        "#
    );
    let config: Config = toml::from_str(&settings)?;
    let mut broker = Broker::new(config);
    thread::Builder::new()
        .name("broker".into())
        .spawn(move || {
            if let Err(error) = broker.start() {
                log::error!("the broker has ended: {error}");
            }
        })?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let since = Instant::now();
    while let Err(error) = TcpStream::connect(address) {
        if since.elapsed() > PATIENCE {
            return Err(format!("the broker does not listen on port {port}: {error}").into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(port)
}

/// Messages of a topic with the time of their arrival, from when the subscription stands.
pub fn subscribe(port: u16, topic: &str) -> Result<Receiver<(Instant, Vec<u8>)>, Failure> {
    let mut options = MqttOptions::new("vinspect-demo-subscriber", "127.0.0.1", port);
    options.set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut connection) = Client::new(options, 8);
    client.subscribe(topic, QoS::AtLeastOnce)?;
    let (sender, messages) = channel();
    let (ready, subscribed) = channel();
    thread::Builder::new()
        .name("subscriber".into())
        .spawn(move || {
            // Lives as long as the connection.
            let _client = client;
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::SubAck(_))) => {
                        // Nobody waits for a second one.
                        let _ = ready.send(());
                    }
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        if sender
                            .send((Instant::now(), message.payload.to_vec()))
                            .is_err()
                        {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        log::error!("the subscriber lost the broker: {error}");
                        return;
                    }
                }
            }
        })?;
    subscribed
        .recv_timeout(PATIENCE)
        .map_err(|_| "the broker does not answer the subscriber")?;
    Ok(messages)
}
