//! Carries reads from the outbox to the broker, in order, until each is acknowledged; and commands the other way.
//!
//! A read stays in the store until its own PUBACK. A connection that ends or stalls is thrown away, and what was not
//! acknowledged goes over the next one: the last few reads may come twice, and their ids tell.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::command::{self, Name};
use super::link::{Address, Heard, Incoming, Link, Message, Outage, WINDOW};
use super::message::{
    LastRead, Models, State, Status, as_historical, result_message, status_message,
};
use super::{Topics, discovery};
use crate::health::{Cause, Health};
use crate::image::jpeg;
use crate::station::order::{Declined, Done, Order};
use crate::store::{Pending, Store};

/// A read that is not acknowledged by then is sent again over a new connection.
const STALL: Duration = Duration::from_secs(10);
/// The first wait after a lost connection; it doubles up to the last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(30);
/// A read that the broker refused is offered again after this long.
const REFUSED_WAIT: Duration = Duration::from_secs(30);
/// Reads under way at once; the rest of the window is for all else.
const READS: usize = WINDOW as usize / 2;
/// Reads that are sent later than this after the verdict are of the past.
const HISTORICAL: Duration = Duration::from_secs(10);
/// A status at least this often.
const STATUS: Duration = Duration::from_secs(60);
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Who delivers what, where to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The broker.
    pub address: Address,
    /// Where this station speaks and listens.
    pub topics: Topics,
    /// The prefix under which Home Assistant looks for devices, if it is to be told.
    pub home_assistant: Option<String>,
    /// Whether a picture of each read is published.
    pub snapshots: bool,
    /// Told in the status.
    pub models: Models,
}

/// What the rest of the program tells the courier.
#[derive(Default)]
pub(super) struct Signals {
    /// There is something in the outbox.
    pub(super) work: Notify,
    /// Say goodbye.
    pub(super) stop: Notify,
    /// The read before.
    last_read: Mutex<Option<LastRead>>,
}

impl Signals {
    pub(super) fn last_read(&self) -> MutexGuard<'_, Option<LastRead>> {
        let last = self.last_read.lock();
        last.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A picture as JPEG, with the id of its read.
pub(super) fn snapshot(topics: &Topics, id: Uuid, jpeg: Vec<u8>) -> Message {
    Message {
        topic: topics.snapshot.clone(),
        payload: jpeg,
        correlation: Some(id.to_string().into_bytes()),
        content_type: Some("image/jpeg"),
        ..Message::default()
    }
}

pub(super) struct Courier {
    pub(super) settings: Settings,
    pub(super) store: Arc<Store>,
    pub(super) health: Arc<Health>,
    pub(super) orders: SyncSender<Order>,
    /// For answers, which come from elsewhere.
    pub(super) post: mpsc::Sender<Message>,
    pub(super) signals: Arc<Signals>,
    pub(super) begun: Instant,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("stopped")]
    Stopped,
    #[error(transparent)]
    Outage(#[from] Outage),
}

/// What was given to the link and has no number yet, in order.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    Read(i64),
    Other,
}

/// A read that is on its way.
struct OnItsWay {
    sequence: i64,
    packet: Option<u16>,
    since: Instant,
    acknowledged: bool,
}

/// One connection and what is on its way over it.
struct Session {
    link: Link,
    given: VecDeque<Given>,
    reads: VecDeque<OnItsWay>,
    /// Reads are not offered before: the broker has refused one.
    pause: Option<Instant>,
    /// A read was delivered.
    progress: bool,
    /// Larger packets the broker does not take.
    largest: usize,
    told_too_large: bool,
}

impl Session {
    /// Gives anything but a read, unless it is so large that the connection would end.
    fn give(&mut self, message: Message) -> Result<(), Outage> {
        let (size, largest) = (message.size(), self.largest);
        if size > largest {
            if !self.told_too_large {
                let topic = message.topic;
                log::warn!(
                    "a message of {size} bytes on {topic} is not sent, nor are others like it: this connection takes {largest}; \
                     a camera of fewer pixels makes smaller pictures, and some brokers can be set to take larger packets"
                );
            }
            self.told_too_large = true;
            return Ok(());
        }
        self.given.push_back(Given::Other);
        self.link.publish(message)
    }
}

impl Courier {
    /// Until it is stopped.
    pub(super) async fn run(self, mut letters: mpsc::Receiver<Message>) {
        let mut wait = FIRST_WAIT;
        loop {
            let (end, progress) = self.session(&mut letters).await;
            match end {
                End::Stopped => return,
                End::Outage(outage) => self.health.ails(
                    Cause::Broker,
                    format!(
                        "the MQTT broker {}:{} {outage} [{}]",
                        self.settings.address.host,
                        self.settings.address.port,
                        outage.code()
                    ),
                ),
            }
            if progress {
                wait = FIRST_WAIT;
            }
            // Many stations lose a broker at once; they should not all come back at once.
            let jitter = wait.mul_f64(f64::from(Uuid::new_v4().as_bytes()[0]) / 512.0);
            tokio::select! {
                () = sleep(wait + jitter) => {}
                () = self.signals.stop.notified() => return,
            }
            wait = (wait * 2).min(LAST_WAIT);
        }
    }

    /// One connection from its beginning to its end, and whether it was of use.
    async fn session(&self, letters: &mut mpsc::Receiver<Message>) -> (End, bool) {
        let link = match Link::dial(&self.settings.address, self.offline()) {
            Ok(link) => link,
            Err(outage) => return (End::Outage(outage), false),
        };
        let begun = Instant::now();
        let mut session = Session {
            link,
            given: VecDeque::new(),
            reads: VecDeque::new(),
            pause: None,
            progress: false,
            largest: usize::MAX,
            told_too_large: false,
        };
        let end = match self.greet(&mut session).await {
            Ok(()) => {
                // Those of before are of cars that are gone, and nobody waits for their answers any more.
                while letters.try_recv().is_ok() {}
                match self.converse(&mut session, letters).await {
                    Err(end) => end,
                    Ok(never) => match never {},
                }
            }
            Err(end) => end,
        };
        let progress = session.progress || begun.elapsed() > LAST_WAIT;
        if matches!(end, End::Stopped) {
            // The broker is gone or slow: then the last will speaks.
            let _ = timeout(GOODBYE, self.say_goodbye(&mut session)).await;
        }
        (end, progress)
    }

    /// Until the broker lets us in.
    async fn greet(&self, session: &mut Session) -> Result<(), End> {
        let connected = async {
            loop {
                if let Heard::Connected(largest) = session.link.hear().await? {
                    return Ok::<_, Outage>(largest);
                }
            }
        };
        tokio::select! {
            connected = timeout(STALL, connected) => {
                session.largest = connected.map_err(|_| Outage::Stalled)??;
            }
            () = self.signals.stop.notified() => return Err(End::Stopped),
        }
        log::info!("connected to the MQTT broker");
        self.health.recovered(Cause::Broker);
        session.link.subscribe(&self.subscription())?;
        session.give(self.status_now())?;
        self.introduce(session)?;
        Ok(())
    }

    async fn converse(
        &self,
        session: &mut Session,
        letters: &mut mpsc::Receiver<Message>,
    ) -> Result<Infallible, End> {
        let mut told = Instant::now();
        let mut ailments = self.health.ailments();
        loop {
            self.offer(session)?;
            let patience = patience(session).min(STATUS.saturating_sub(told.elapsed()));
            tokio::select! {
                heard = session.link.hear() => self.hear(session, heard?)?,
                () = self.signals.work.notified() => {}
                Some(letter) = letters.recv() => session.give(letter)?,
                () = self.signals.stop.notified() => return Err(End::Stopped),
                () = self.health.changed() => {}
                () = sleep(patience) => {}
            }
            let oldest = session.reads.front();
            if oldest.is_some_and(|read| read.since.elapsed() >= STALL) {
                return Err(Outage::Stalled.into());
            }
            let now = self.health.ailments();
            if now != ailments || told.elapsed() >= STATUS {
                session.give(self.status_now())?;
                (ailments, told) = (now, Instant::now());
            }
        }
    }

    /// Gives the link as many reads as may be under way.
    fn offer(&self, session: &mut Session) -> Result<(), End> {
        if session.pause.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        session.pause = None;
        let after = session.reads.back().map_or(0, |read| read.sequence);
        let room = READS.saturating_sub(session.reads.len());
        if room == 0 {
            return Ok(());
        }
        for read in self.store.pending_after(after, room) {
            session.given.push_back(Given::Read(read.sequence));
            session.reads.push_back(OnItsWay {
                sequence: read.sequence,
                packet: None,
                since: Instant::now(),
                acknowledged: false,
            });
            session.link.publish(self.read_out(read))?;
        }
        Ok(())
    }

    fn read_out(&self, read: Pending) -> Message {
        let age = Timestamp::now().duration_since(read.decided_at);
        let late = age.unsigned_abs() > HISTORICAL;
        let payload = if late {
            as_historical(&read.payload)
        } else {
            read.payload
        };
        Message::json(self.settings.topics.read.clone(), payload)
    }

    fn hear(&self, session: &mut Session, heard: Heard) -> Result<(), End> {
        match heard {
            Heard::Sent(packet) => {
                if let Some(Given::Read(sequence)) = session.given.pop_front() {
                    let read = session.reads.iter_mut().find(|r| r.sequence == sequence);
                    if let Some(read) = read {
                        read.packet = Some(packet);
                    }
                }
            }
            Heard::Acknowledged(packet) => {
                let mut under_way = session.reads.iter_mut();
                if let Some(read) = under_way.find(|r| r.packet == Some(packet)) {
                    read.acknowledged = true;
                    self.note_delivered(session);
                }
            }
            Heard::Refused(packet, why) => {
                if session.reads.iter().any(|r| r.packet == Some(packet)) {
                    let broker = &self.settings.address.host;
                    let topic = &self.settings.topics.read;
                    let message = format!(
                        "the MQTT broker {broker} refuses reads on {topic}: {why}; they are kept [read_refused]"
                    );
                    self.health.ails(Cause::Broker, message);
                    session.reads.clear();
                    session.pause = Some(Instant::now() + REFUSED_WAIT);
                }
            }
            Heard::Subscribed(refused) => self.note_refused(&refused),
            Heard::Message(message) => self.receive(session, message)?,
            Heard::Connected(_) | Heard::Farewell => {}
        }
        Ok(())
    }

    /// What this station listens to: its commands, and Home Assistant's birth.
    fn subscription(&self) -> Vec<String> {
        let topics = &self.settings.topics;
        let mut heard: Vec<_> = Name::ALL.map(|name| topics.command(name)).into();
        heard.extend(self.settings.home_assistant.as_deref().map(discovery::born));
        heard
    }

    /// Tells what will not be heard. `refused`: where it stands in the subscription.
    fn note_refused(&self, refused: &[usize]) {
        let broker = &self.settings.address.host;
        let heard = self.subscription();
        let topics: Vec<_> = refused.iter().filter_map(|&n| heard.get(n)).collect();
        let (commands, others): (Vec<_>, Vec<_>) = topics
            .into_iter()
            .map(String::as_str)
            .partition(|topic| self.settings.topics.name(topic).is_some());
        for topic in others {
            log::warn!(
                "the MQTT broker {broker} does not let this client hear {topic}: a Home Assistant that begins anew finds \
                 the station by its retained description only"
            );
        }
        if commands.is_empty() {
            return self.health.recovered(Cause::Commands);
        }
        let message = format!(
            "the MQTT broker {broker} does not let this client hear {}: these commands do nothing",
            commands.join(", ")
        );
        self.health.ails(Cause::Commands, message);
    }

    /// What is acknowledged from the oldest read on is delivered.
    fn note_delivered(&self, session: &mut Session) {
        while session.reads.front().is_some_and(|r| r.acknowledged) {
            if let Some(read) = session.reads.pop_front() {
                self.store.delivered(read.sequence);
                session.progress = true;
            }
        }
        self.health.recovered(Cause::Broker);
    }

    fn receive(&self, session: &mut Session, message: Incoming) -> Result<(), Outage> {
        let topics = &self.settings.topics;
        let Some(name) = topics.name(&message.topic) else {
            // All else that was asked for is Home Assistant's birth.
            return self.introduce(session);
        };
        if message.retained {
            log::warn!("a retained command on {} is ignored", message.topic);
            return Ok(());
        }
        let (topics, post) = (topics.clone(), self.post.clone());
        let correlation = message.correlation;
        match command::parse(name, &message.payload) {
            Err(error) => {
                let declined = Declined::Fault(error.to_string());
                session.give(answer(&topics, name, correlation, None, &Err(declined)))
            }
            Ok((task, echo)) => {
                let order = Order {
                    task,
                    at: Instant::now(),
                    answer: Box::new(move |done| {
                        if let Ok(Done::Captured(picture)) = &done {
                            let jpeg = jpeg(picture);
                            let _ = post.try_send(snapshot(&topics, Uuid::now_v7(), jpeg));
                        }
                        // Without room the broker is slow or away, and nobody waits for it.
                        let _ = post.try_send(answer(&topics, name, correlation, echo, &done));
                    }),
                };
                match self.orders.try_send(order) {
                    Ok(()) => {}
                    Err(TrySendError::Full(order)) => (order.answer)(Err(Declined::TooMany)),
                    Err(TrySendError::Disconnected(_)) => {
                        log::warn!("a command came after the station had ended");
                    }
                }
                Ok(())
            }
        }
    }

    /// Tells Home Assistant what there is.
    fn introduce(&self, session: &mut Session) -> Result<(), Outage> {
        if let Some(prefix) = &self.settings.home_assistant {
            session.give(discovery::message(prefix, &self.settings.topics))?;
        }
        Ok(())
    }

    async fn say_goodbye(&self, session: &mut Session) -> Result<(), Outage> {
        session.give(self.offline())?;
        session.link.leave()?;
        while !matches!(session.link.hear().await?, Heard::Farewell) {}
        Ok(())
    }

    fn status_now(&self) -> Message {
        let causes = self.health.ailments();
        self.status(Status {
            state: if causes.is_empty() {
                State::Online
            } else {
                State::Degraded
            },
            causes,
            uptime: Some(self.begun.elapsed()),
            pending: Some(self.store.pending()),
            dropped: Some(self.store.dropped()),
            last_read: self.signals.last_read().clone(),
            models: Some(self.settings.models.clone()),
        })
    }

    /// The last will and the farewell.
    fn offline(&self) -> Message {
        self.status(Status::default())
    }

    fn status(&self, status: Status) -> Message {
        Message {
            retain: true,
            ..Message::json(self.settings.topics.status.clone(), status_message(&status))
        }
    }
}

/// How long to wait before something is to be done unasked.
fn patience(session: &Session) -> Duration {
    let stall = session.reads.front();
    let stall = stall.map(|read| STALL.saturating_sub(read.since.elapsed()));
    let pause = session.pause;
    let pause = pause.map(|until| until.saturating_duration_since(Instant::now()));
    stall.into_iter().chain(pause).min().unwrap_or(STATUS)
}

fn answer(
    topics: &Topics,
    name: Name,
    correlation: Option<Vec<u8>>,
    echo: Option<String>,
    done: &Result<Done, Declined>,
) -> Message {
    Message {
        correlation,
        ..Message::json(topics.result(name), result_message(name, echo, done))
    }
}
