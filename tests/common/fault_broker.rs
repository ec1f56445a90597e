//! A broker that does what it is told to do wrong, connection by connection, and remembers what it got. It speaks as much of
//! MQTT 3.1.1 and 5 as a station needs.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// What becomes of one connection. Reads are counted from its beginning.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing goes wrong.
    None,
    /// It is closed before anything is said.
    HangUp,
    /// It is refused: return code of the CONNACK.
    Refuse(u8),
    /// It is cut after this read came, which is not acknowledged.
    CutAfter(usize),
    /// It is cut in the middle of the acknowledgement of this read.
    CutInAck(usize),
    /// It is cut after some bytes of this read, which is lost.
    CutInRead(usize),
    /// From this read on nothing is acknowledged.
    Withhold(usize),
    /// This read is refused, with a reason code of MQTT 5.
    RefuseRead(usize, u8),
    /// Packets may have so many bytes (MQTT 5).
    Narrow(u32),
    /// It may not hear this topic of its subscription, counted from 0 (MQTT 5: 0x87, else 0x80).
    RefuseTopic(usize),
}

/// A broker of faults.
pub struct FaultBroker {
    pub port: u16,
    got: Arc<Mutex<Vec<Value>>>,
    statuses: Arc<Mutex<Vec<Value>>>,
    pictures: Arc<Mutex<Vec<Vec<u8>>>>,
    connections: Arc<Mutex<usize>>,
}

impl FaultBroker {
    /// Connection n meets fault n of the script, and all later ones none.
    pub fn start(script: Vec<Fault>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let broker = Self {
            port: listener.local_addr().unwrap().port(),
            got: Arc::default(),
            statuses: Arc::default(),
            pictures: Arc::default(),
            connections: Arc::default(),
        };
        let (got, statuses) = (Arc::clone(&broker.got), Arc::clone(&broker.statuses));
        let pictures = Arc::clone(&broker.pictures);
        let connections = Arc::clone(&broker.connections);
        thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let fault = script.get(n).copied().unwrap_or(Fault::None);
                *connections.lock().unwrap() += 1;
                let stream = stream.unwrap();
                let (got, statuses) = (Arc::clone(&got), Arc::clone(&statuses));
                let pictures = Arc::clone(&pictures);
                thread::spawn(move || {
                    // A connection that ends is what this is about.
                    let _ = serve(&stream, fault, &got, &statuses, &pictures);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        broker
    }

    /// The reads that came, in order, with repeats.
    pub fn reads(&self) -> Vec<Value> {
        self.got.lock().unwrap().clone()
    }

    /// The last status.
    pub fn status(&self) -> Option<Value> {
        self.statuses.lock().unwrap().last().cloned()
    }

    /// The pictures that came.
    pub fn pictures(&self) -> Vec<Vec<u8>> {
        self.pictures.lock().unwrap().clone()
    }

    /// How often a station has come.
    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

fn serve(
    stream: &TcpStream,
    fault: Fault,
    got: &Mutex<Vec<Value>>,
    statuses: &Mutex<Vec<Value>>,
    pictures: &Mutex<Vec<Vec<u8>>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream;
    let mut five = false;
    let mut reads = 0;
    if matches!(fault, Fault::HangUp) {
        return Ok(());
    }
    loop {
        let cut_in_read = matches!(fault, Fault::CutInRead(n) if n == reads + 1);
        let (kind, body) = packet(stream, cut_in_read)?;
        match kind >> 4 {
            // CONNECT
            1 => {
                five = body[6] == 5;
                let code = if let Fault::Refuse(code) = fault {
                    code
                } else {
                    0
                };
                let answer = match fault {
                    // Its property of that name.
                    Fault::Narrow(most) => {
                        [&[0x20, 8, 0, 0, 5, 0x27], &most.to_be_bytes()[..]].concat()
                    }
                    _ if five => vec![0x20, 3, 0, code, 0],
                    _ => vec![0x20, 2, 0, code],
                };
                out.write_all(&answer)?;
                if code != 0 {
                    return Ok(());
                }
            }
            // PUBLISH
            3 => {
                let (topic, packet, payload) = publish(&body, five);
                let ack = [0x40, 2, packet[0], packet[1]];
                if !topic.ends_with("/read") {
                    if topic.ends_with("/status") {
                        let status = serde_json::from_slice(payload).unwrap();
                        statuses.lock().unwrap().push(status);
                    }
                    if topic.ends_with("/snapshot") {
                        pictures.lock().unwrap().push(payload.to_vec());
                    }
                    out.write_all(&ack)?;
                    continue;
                }
                reads += 1;
                if let Fault::RefuseRead(n, code) = fault
                    && n == reads
                {
                    out.write_all(&[0x40, 3, packet[0], packet[1], code])?;
                    continue;
                }
                got.lock()
                    .unwrap()
                    .push(serde_json::from_slice(payload).unwrap());
                match fault {
                    Fault::CutAfter(n) if n == reads => return Ok(()),
                    Fault::CutInAck(n) if n == reads => return out.write_all(&ack[..3]),
                    Fault::Withhold(n) if reads >= n => {}
                    _ => out.write_all(&ack)?,
                }
            }
            // SUBSCRIBE: as many codes as filters.
            8 => {
                let mut rest = &body[2..];
                if five {
                    rest = &rest[1 + usize::from(rest[0])..];
                }
                let mut codes = Vec::new();
                while !rest.is_empty() {
                    let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                    rest = &rest[2 + length + 1..];
                    codes.push(match fault {
                        Fault::RefuseTopic(n) if n == codes.len() => {
                            [0x80, 0x87][usize::from(five)]
                        }
                        _ => 1,
                    });
                }
                let head = if five {
                    vec![body[0], body[1], 0]
                } else {
                    vec![body[0], body[1]]
                };
                out.write_all(&[0x90, (head.len() + codes.len()) as u8])?;
                out.write_all(&[head, codes].concat())?;
            }
            // PINGREQ
            12 => out.write_all(&[0xd0, 0])?,
            // DISCONNECT
            14 => return Ok(()),
            other => panic!("packet type {other}"),
        }
    }
}

/// The next packet: first byte and body. A cut one ends in an error.
fn packet(mut stream: &TcpStream, cut_in_read: bool) -> io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    let kind = byte[0];
    let mut length = 0;
    for shift in [0, 7, 14, 21] {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    // Only reads are longer than this.
    if cut_in_read && kind >> 4 == 3 && length > 500 {
        stream.read_exact(&mut vec![0; length / 2])?;
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}

/// Topic, packet number and payload.
fn publish(body: &[u8], five: bool) -> (String, [u8; 2], &[u8]) {
    let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
    let topic = String::from_utf8(body[2..2 + length].to_vec()).unwrap();
    let rest = &body[2 + length..];
    let packet = [rest[0], rest[1]];
    // Properties of ours are shorter than 128 bytes.
    let properties = if five { 1 + usize::from(rest[2]) } else { 0 };
    (topic, packet, &rest[2 + properties..])
}
