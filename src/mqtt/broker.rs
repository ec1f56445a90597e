//! An MQTT broker inside the program, for `vinspect demo` and for tests.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rumqttd::{Broker, Config};

/// How long a broker may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A port of the loopback interface that is free now.
pub fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Starts a broker on a port of the loopback interface and waits until it listens; it lives as long as the program.
pub fn start(port: u16) -> io::Result<()> {
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
    let config: Config = toml::from_str(&settings).map_err(io::Error::other)?;
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
            return Err(error);
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
