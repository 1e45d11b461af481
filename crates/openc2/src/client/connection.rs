//! One connection: from its handshake to its end.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::v5::mqttbytes::{Error, QoS, v5 as packets};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::{ANSWER_WAIT, Answer, Answered, Arrived, Delivery, NotSent, Outgoing, Settings, Unanswered};
use crate::mqtt::{Publish, Subscription};
use packets::{ConnAck, ConnectReturnCode, Packet, PubAckReason, SubscribeReasonCode};

/// What a broker may give before something of it is acknowledged (MQTT 5 §3.1.2.11.3).
pub(super) const RECEIVED_MAX: u16 = 32;
/// What is sent before something of it is acknowledged.
const SENT_MAX: u16 = 32;
/// The largest packet that is taken, in bytes; a broker that is told so gives no larger one. No order comes near it.
const PACKET_BYTES_MAX: u32 = 256 * 1024;
/// How long a broker keeps the session of a client that is away, in seconds: longer than anything in it holds.
const SESSION_S: u32 = 24 * 60 * 60;
/// How much is read at once, in bytes.
const READ_BYTES: usize = 8 * 1024;
/// The longest text in a packet (MQTT 5 §1.5.4).
const TEXT_BYTES_MAX: usize = 65_535;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How a connection ended.
pub(super) enum Ended {
    /// Nobody needs it any more.
    Asked,
    /// Why it was lost.
    Lost(String),
}

pub(super) struct Connection {
    stream: Box<dyn Stream>,
    /// What came and is no whole packet yet.
    read: BytesMut,
    /// What is to be sent.
    write: BytesMut,
    /// What came before the subscriptions were agreed to.
    early: VecDeque<Packet>,
    /// The most seconds of silence that were agreed on.
    keep_alive: Duration,
    /// How much the broker takes before it acknowledges something.
    window: usize,
    /// The largest packet that it takes.
    packet_bytes_max: Option<u32>,
    last_number: u16,
    /// Who waits for the acknowledgement of what.
    waiting: BTreeMap<u16, Answered>,
}

impl Connection {
    /// Connects, takes the session up again and subscribes.
    pub(super) async fn open(settings: &Settings, unanswered: &mut Unanswered) -> Result<Self, String> {
        let mut connection = Self {
            stream: settings.broker.stream().await?,
            read: BytesMut::new(),
            write: BytesMut::new(),
            early: VecDeque::new(),
            keep_alive: Duration::from_secs(settings.connect.keep_alive_s.into()),
            window: SENT_MAX.into(),
            packet_bytes_max: None,
            last_number: 0,
            waiting: BTreeMap::new(),
        };
        connection.put(&connect(settings)?)?;
        connection.flush().await?;
        let Packet::ConnAck(answer) = connection.next().await? else {
            return Err("it does not answer as a broker of MQTT 5 does".to_owned());
        };
        connection.agree(&answer)?;
        if answer.session_present {
            connection.resend(unanswered)?;
        } else {
            unanswered.clear();
        }
        connection.subscribe(&settings.subscriptions, unanswered).await?;
        Ok(connection)
    }

    /// Takes note of what the broker asks for.
    fn agree(&mut self, answer: &ConnAck) -> Result<(), String> {
        match answer.code {
            ConnectReturnCode::Success => {}
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
                return Err(
                    "it does not let this program in; check the user, the password or the certificate"
                        .to_owned(),
                );
            }
            other => return Err(format!("it refuses the connection: {other:?}")),
        }
        let Some(properties) = &answer.properties else { return Ok(()) };
        if properties.max_qos == Some(0) {
            return Err("it takes nothing that has to arrive (quality of service 1)".to_owned());
        }
        if let Some(window) = properties.receive_max {
            self.window = usize::from(window.clamp(1, SENT_MAX));
        }
        if let Some(seconds) = properties.server_keep_alive {
            self.keep_alive = Duration::from_secs(u64::from(seconds.max(1)));
        }
        self.packet_bytes_max = properties.max_packet_size;
        Ok(())
    }

    /// Sends again what was not acknowledged, with what is left of its time. What has none left is not sent.
    fn resend(&mut self, unanswered: &mut Unanswered) -> Result<(), String> {
        unanswered.retain(|_, (packet, since)| {
            let left = packet.properties.as_ref().and_then(|all| all.message_expiry_interval);
            left.is_none_or(|seconds| since.elapsed() < Duration::from_secs(seconds.into()))
        });
        for (packet, since) in unanswered.values_mut() {
            packet.dup = true;
            if let Some(left) =
                packet.properties.as_mut().and_then(|all| all.message_expiry_interval.as_mut())
            {
                let gone = u32::try_from(since.elapsed().as_secs()).unwrap_or(u32::MAX);
                *left = left.saturating_sub(gone).max(1);
            }
            *since = Instant::now();
            let packet = Packet::Publish(packet.clone());
            self.put(&packet)?;
        }
        Ok(())
    }

    async fn subscribe(&mut self, wanted: &[Subscription], unanswered: &Unanswered) -> Result<(), String> {
        let number = self.number(unanswered);
        let filter = |one: &Subscription| packets::Filter {
            path: one.topic.to_string(),
            qos: if one.qos_max >= 2 { QoS::ExactlyOnce } else { QoS::AtLeastOnce },
            nolocal: one.no_local,
            preserve_retain: one.retain_as_published,
            retain_forward_rule: match one.retain_handling {
                0 => packets::RetainForwardRule::OnEverySubscribe,
                1 => packets::RetainForwardRule::OnNewSubscribe,
                _ => packets::RetainForwardRule::Never,
            },
        };
        let mut subscribe = packets::Subscribe::new_many(wanted.iter().map(filter), None);
        subscribe.pkid = number;
        self.put(&Packet::Subscribe(subscribe))?;
        self.flush().await?;
        loop {
            match self.next().await? {
                Packet::SubAck(answer) if answer.pkid == number => {
                    return agreed(wanted, &answer.return_codes);
                }
                // What waited comes before the answer; a broker gives no more than it may.
                other if self.early.len() <= usize::from(RECEIVED_MAX + SENT_MAX) => {
                    self.early.push_back(other);
                }
                _ => return Err("it does not answer to subscriptions".to_owned()),
            }
        }
    }

    /// Serves until the connection is lost, or nobody needs it.
    pub(super) async fn serve(
        mut self,
        outgoing: &mut mpsc::Receiver<Outgoing>,
        given: &mpsc::Sender<Delivery>,
        unanswered: &mut Unanswered,
    ) -> Ended {
        match self.go_on(outgoing, given, unanswered).await {
            Ok(()) => {
                let leave = packets::Disconnect::new(packets::DisconnectReasonCode::NormalDisconnection);
                // It ends either way.
                let _ = self.put(&Packet::Disconnect(leave));
                let _ = self.flush().await;
                Ended::Asked
            }
            Err(why) => Ended::Lost(why),
        }
    }

    async fn go_on(
        &mut self,
        outgoing: &mut mpsc::Receiver<Outgoing>,
        given: &mpsc::Sender<Delivery>,
        unanswered: &mut Unanswered,
    ) -> Result<(), String> {
        let (answers, mut answered) = mpsc::channel(2 * usize::from(RECEIVED_MAX));
        let mut ping = tokio::time::interval((self.keep_alive / 2).max(Duration::from_millis(500)));
        let mut heard = Instant::now();
        loop {
            while let Some(packet) =
                self.early.pop_front().map_or_else(|| self.packet(), |one| Ok(Some(one)))?
            {
                if !self.take(packet, given, &answers, unanswered)? {
                    return Ok(());
                }
            }
            self.flush().await?;
            self.read.reserve(READ_BYTES);
            let has_room = unanswered.len() < self.window;
            tokio::select! {
                read = self.stream.read_buf(&mut self.read) => match read {
                    Ok(0) => return Err("it closed the connection".to_owned()),
                    Ok(_) => heard = Instant::now(),
                    Err(error) => return Err(error.to_string()),
                },
                Some(answer) = answered.recv() => self.put(&match answer {
                    Answer::Acknowledged(number) => Packet::PubAck(packets::PubAck::new(number, None)),
                    Answer::Received(number) => Packet::PubRec(packets::PubRec::new(number, None)),
                })?,
                asked = outgoing.recv(), if has_room => match asked {
                    Some(asked) => self.publish(asked, unanswered),
                    None => return Ok(()),
                },
                _ = ping.tick() => {
                    let late = |(_, since): &(packets::Publish, Instant)| since.elapsed() > ANSWER_WAIT;
                    if heard.elapsed() > self.keep_alive + ANSWER_WAIT || unanswered.values().any(late) {
                        return Err("it does not answer any more".to_owned());
                    }
                    self.put(&Packet::PingReq(packets::PingReq))?;
                }
            }
        }
    }

    /// Takes a packet; whether anybody reads what comes.
    fn take(
        &mut self,
        packet: Packet,
        given: &mpsc::Sender<Delivery>,
        answers: &mpsc::Sender<Answer>,
        unanswered: &mut Unanswered,
    ) -> Result<bool, String> {
        match packet {
            Packet::Publish(publish) => {
                let answer = match publish.qos {
                    QoS::AtMostOnce => None,
                    QoS::AtLeastOnce => Some((answers.clone(), Answer::Acknowledged(publish.pkid))),
                    QoS::ExactlyOnce => Some((answers.clone(), Answer::Received(publish.pkid))),
                };
                let may_be_lost = answer.is_none();
                match given.try_send(Delivery { packet: received(publish), answer }) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Closed(_)) => return Ok(false),
                    Err(mpsc::error::TrySendError::Full(_)) if may_be_lost => {}
                    Err(mpsc::error::TrySendError::Full(_)) => {
                        return Err("it gives more than it may before anything is acknowledged".to_owned());
                    }
                }
            }
            Packet::PubAck(answer) => {
                unanswered.remove(&answer.pkid);
                if let Some(done) = self.waiting.remove(&answer.pkid) {
                    // Whoever asked may have gone meanwhile.
                    let _ = done.send(arrived(answer.reason));
                }
            }
            Packet::PubRel(release) => {
                self.put(&Packet::PubComp(packets::PubComp::new(release.pkid, None)))?;
            }
            Packet::Disconnect(reason) => {
                return Err(format!("it ended the connection: {:?}", reason.reason_code));
            }
            _ => {}
        }
        Ok(true)
    }

    /// Sends something, where it can be sent at all.
    fn publish(&mut self, asked: Outgoing, unanswered: &mut Unanswered) {
        let number = self.number(unanswered);
        let packet = published(asked.packet, number);
        if fits(&packet) && self.put(&Packet::Publish(packet.clone())).is_ok() {
            unanswered.insert(number, (packet, Instant::now()));
            self.waiting.insert(number, asked.done);
        } else {
            let _ = asked.done.send(Err(NotSent::TooLarge));
        }
    }

    /// A number that nothing under way has.
    fn number(&mut self, unanswered: &Unanswered) -> u16 {
        loop {
            self.last_number = self.last_number.checked_add(1).unwrap_or(1);
            if !unanswered.contains_key(&self.last_number) {
                return self.last_number;
            }
        }
    }

    /// The next packet.
    async fn next(&mut self) -> Result<Packet, String> {
        loop {
            if let Some(packet) = self.packet()? {
                return Ok(packet);
            }
            match self.stream.read_buf(&mut self.read).await {
                Ok(0) => return Err("it closed the connection".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// A packet, where a whole one has come.
    fn packet(&mut self) -> Result<Option<Packet>, String> {
        match Packet::read(&mut self.read, Some(PACKET_BYTES_MAX)) {
            Ok(packet) => Ok(Some(packet)),
            Err(Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(format!("it sent something that is no packet of MQTT 5: {error}")),
        }
    }

    fn put(&mut self, packet: &Packet) -> Result<(), String> {
        let done = packet.write(&mut self.write, self.packet_bytes_max);
        done.map(drop).map_err(|error| error.to_string())
    }

    async fn flush(&mut self) -> Result<(), String> {
        if self.write.is_empty() {
            return Ok(());
        }
        let sent = async {
            self.stream.write_all(&self.write).await?;
            self.stream.flush().await
        };
        match timeout(ANSWER_WAIT, sent).await {
            Ok(Ok(())) => self.write.clear(),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err("it takes nothing any more".to_owned()),
        }
        Ok(())
    }
}

fn connect(settings: &Settings) -> Result<Packet, String> {
    let properties = packets::ConnectProperties {
        session_expiry_interval: Some(SESSION_S),
        receive_maximum: Some(RECEIVED_MAX),
        max_packet_size: Some(PACKET_BYTES_MAX),
        ..packets::ConnectProperties::new()
    };
    let connect = packets::Connect {
        keep_alive: settings.connect.keep_alive_s,
        client_id: settings.connect.client_id.clone(),
        clean_start: settings.connect.clean_start,
        properties: Some(properties),
    };
    let login = settings.broker.login()?.map(|(user, password)| packets::Login::new(user, password));
    Ok(Packet::Connect(connect, None, login))
}

/// Whether every subscription was agreed to, so that nothing is lost on its way.
fn agreed(wanted: &[Subscription], codes: &[SubscribeReasonCode]) -> Result<(), String> {
    for (index, one) in wanted.iter().enumerate() {
        match codes.get(index) {
            Some(SubscribeReasonCode::Success(QoS::AtLeastOnce | QoS::ExactlyOnce)) => {}
            _ => return Err(format!("it does not let this program hear `{}`", one.topic)),
        }
    }
    Ok(())
}

fn arrived(reason: PubAckReason) -> Result<Arrived, NotSent> {
    match reason {
        PubAckReason::Success => Ok(Arrived::Taken),
        PubAckReason::NoMatchingSubscribers => Ok(Arrived::ForNobody),
        PubAckReason::NotAuthorized => {
            Err(NotSent::Refused("it may not be published by this program".into()))
        }
        other => Err(NotSent::Refused(format!("{other:?}"))),
    }
}

/// Whether every text of it can stand in a packet.
fn fits(packet: &packets::Publish) -> bool {
    let texts = packet.properties.iter().flat_map(|all| {
        let named = all.user_properties.iter().flat_map(|(name, value)| [name, value]);
        named.chain(&all.content_type).chain(&all.response_topic)
    });
    packet.topic.len() <= TEXT_BYTES_MAX && texts.into_iter().all(|text| text.len() <= TEXT_BYTES_MAX)
}

fn published(packet: Publish, number: u16) -> packets::Publish {
    let properties = packets::PublishProperties {
        payload_format_indicator: Some(u8::from(packet.is_text)),
        message_expiry_interval: packet.message_expiry_s,
        response_topic: packet.response_topic,
        user_properties: packet.user_properties,
        content_type: packet.content_type,
        ..packets::PublishProperties::default()
    };
    packets::Publish {
        dup: false,
        // 0 is never used (MQTT 3.2), and 2 brings nothing where commands are known by their identifier.
        qos: QoS::AtLeastOnce,
        retain: packet.retain,
        topic: Bytes::from(packet.topic),
        pkid: number,
        payload: Bytes::from(packet.payload),
        properties: Some(properties),
    }
}

fn received(packet: packets::Publish) -> Publish {
    let properties = packet.properties.unwrap_or_default();
    Publish {
        topic: String::from_utf8_lossy(&packet.topic).into_owned(),
        qos: packet.qos as u8,
        retain: packet.retain,
        is_text: properties.payload_format_indicator == Some(1),
        content_type: properties.content_type,
        user_properties: properties.user_properties,
        response_topic: properties.response_topic,
        message_expiry_s: properties.message_expiry_interval,
        payload: packet.payload.to_vec(),
    }
}
