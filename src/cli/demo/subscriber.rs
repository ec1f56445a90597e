//! A client that listens to the demo's reads.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rumqttc::{Client, Event, MqttOptions, Packet, QoS};

use crate::cli::Failure;

/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

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
