//! What a consumer makes of one command that came.

use sha2::{Digest, Sha256};

use super::config::{Config, Denial, Gate, Reach, Request};
use super::event::{Decision, Key, Reply, Rule, What, Work};
use super::state::{Impossible, Progress};
use super::{Consumer, Limits};
use crate::args::{language_of, wants_of};
use crate::names::{Feature, Language, Reading, ResponseType};
use crate::response::Results;
use crate::slpf::{self, Order, RuleOrder};
use crate::text::CommandId;
use crate::{Command, Content, DateTime, Refusal, Response, Status, texts};

/// The length of the window in which commands are counted.
const MINUTE_MS: u64 = 60_000;

/// How one command is to be answered.
struct Asked<'r> {
    request: &'r Request,
    wants: ResponseType,
    language: Language,
}

impl Asked<'_> {
    /// An answer, unless none is wanted: that supersedes everything else (SLPF 3.2.1.7.1).
    fn reply(&self, response: Response) -> Option<Reply> {
        (self.wants != ResponseType::None).then(|| Reply {
            to: self.request.producer.clone(),
            request_id: self.request.headers.request_id.clone(),
            language: self.language,
            response,
        })
    }

    fn decide(&self, response: Response) -> Decision {
        Decision { replies: self.reply(response).into_iter().collect(), ..Decision::default() }
    }
}

impl Consumer {
    /// Takes a command, or refuses it.
    ///
    /// # Errors
    /// Never for a consumer that was made here.
    pub fn take(&mut self, request: &Request, now: DateTime) -> Result<Decision, Impossible> {
        self.take_through(request, &mut |_, _| Ok(()), now)
    }

    /// Takes a command if the gate lets it through. The gate is told who sent it, and is asked last: about commands that would be carried
    /// out, not about questions and duplicates.
    ///
    /// # Errors
    /// Never for a consumer that was made here.
    pub fn take_through(
        &mut self,
        request: &Request,
        gate: Gate<'_>,
        now: DateTime,
    ) -> Result<Decision, Impossible> {
        // Who is not meant keeps still, whatever it is.
        let meant = request.headers.to.is_empty() || request.headers.to.contains(&self.config.id);
        if !meant && request.reach == Reach::Broadcast {
            return Ok(Decision::default());
        }
        let Content::Request(raw) = &request.content else { return Ok(Decision::default()) };
        let asked = Asked { request, wants: wants_of(raw), language: language_of(raw) };
        if request.headers.from.as_ref().is_some_and(|from| *from != request.producer) {
            let text = "the message says another sender than the one that was authenticated";
            return Ok(asked.decide(Response::with_text(Status::Unauthorized, text)));
        }
        let command = match Command::read(raw, &Reading::default()) {
            Ok(command) => command,
            // What cannot be read counts for the rate as well, or it would be a way around it.
            Err(refusal) => {
                let refused = || asked.decide(Response::refusing(&refusal));
                return Ok(self.too_often(&asked, now).unwrap_or_else(refused));
            }
        };
        if !meant || !self.config.identity.is_meant(command.actuator.as_ref()) {
            return Ok(match request.reach {
                Reach::Broadcast => Decision::default(),
                Reach::Direct => asked.decide(Response::with_text(Status::NotFound, "no such actuator here")),
            });
        }
        let id = identifier(&command, request);
        let digest = hex::encode(command.digest());
        if let Some(id) = &id
            && let Some(decision) = self.known_already(&asked, id, &digest)
        {
            return Ok(decision);
        }
        // What a signature no longer holds for may have been forgotten.
        if request.keep_until.is_some_and(|until| until <= self.state.forgotten.max(now)) {
            let text = "the signature has expired";
            return Ok(asked.decide(Response::with_text(Status::Unauthorized, text)));
        }
        if let Some(decision) = self.too_often(&asked, now) {
            return Ok(decision);
        }
        self.carry(&asked, &command, (id, digest), gate, now)
    }

    /// The same again changes nothing and gets the same answer; another command under the same identifier is refused.
    fn known_already(&self, asked: &Asked<'_>, id: &str, digest: &str) -> Option<Decision> {
        let key = Key { producer: asked.request.producer.clone(), id: id.to_owned() };
        let known = self.state.commands.get(&key)?;
        if known.digest != digest {
            let text = "the identifier belongs to another command";
            return Some(asked.decide(Response::with_text(Status::BadRequest, text)));
        }
        Some(match (&known.progress, asked.wants) {
            (Progress::Ended { response, .. }, wants)
                if wants != ResponseType::Ack || !response.status.is_success() =>
            {
                asked.decide(response.clone())
            }
            (_, ResponseType::Ack) => asked.decide(Response::new(Status::Processing)),
            (_, ResponseType::Status) => {
                let words = match &known.progress {
                    Progress::Waiting { .. } => "waiting for its time",
                    _ => "being carried out",
                };
                let text = Response::with_text(Status::Processing, words);
                Decision { awaits: Some(key), ..asked.decide(text) }
            }
            (_, ResponseType::Complete) => Decision { awaits: Some(key), ..Decision::default() },
            (_, ResponseType::None) => Decision::default(),
        })
    }

    fn too_often(&mut self, asked: &Asked<'_>, now: DateTime) -> Option<Decision> {
        let limit = usize::try_from(self.config.rate_limit?).unwrap_or(usize::MAX);
        while self.recent.front().is_some_and(|at| at.0.saturating_add(MINUTE_MS) <= now.0) {
            self.recent.pop_front();
        }
        if self.recent.len() >= limit {
            let text = "too many commands in one minute";
            return Some(asked.decide(Response::with_text(Status::ServiceUnavailable, text)));
        }
        self.recent.push_back(now);
        None
    }

    fn carry(
        &mut self,
        asked: &Asked<'_>,
        command: &Command,
        (id, digest): (Option<String>, String),
        gate: Gate<'_>,
        now: DateTime,
    ) -> Result<Decision, Impossible> {
        let planned = slpf::judge(command, &self.config.support)
            .map_err(|refusal| denied(&refusal))
            .and_then(|order| self.plan(asked, command, order, now))
            .and_then(|plan| {
                if matches!(plan, Plan::Do(..)) {
                    gate(&asked.request.producer, command)?;
                }
                Ok(plan)
            });
        let producer = asked.request.producer.clone();
        match planned {
            Ok(Plan::Answer(response)) => Ok(asked.decide(response)),
            Ok(Plan::Do(mut work, start)) => {
                // With a space in it, so that it is nobody's identifier.
                let id = id.unwrap_or_else(|| format!("unnamed {}", self.state.counted));
                let key = Key { producer, id };
                if let Work::Install(rule) = &mut work {
                    rule.by = key.clone();
                }
                let taken = What::Taken {
                    key: key.clone(),
                    digest,
                    wants: asked.wants,
                    language: asked.language,
                    request_id: asked.request.headers.request_id.clone(),
                    start,
                    keep_until: asked.request.keep_until,
                    work,
                };
                self.start(asked, key, taken, now)
            }
            Err(Denial { status, text }) => {
                let response = Response::with_text(status, text);
                let mut decision = asked.decide(response.clone());
                // What was refused stays refused, though what stood against it be gone when it comes again. Not what was refused for
                // want of room: that may be tried again.
                if let Some(id) = id
                    && response.status != Status::ServiceUnavailable
                    && self.state.commands.len() < self.config.limits.commands_max
                {
                    let key = Key { producer, id };
                    let keep_until = asked.request.keep_until;
                    self.record(What::Refused { key, digest, keep_until, response }, now, &mut decision)?;
                }
                Ok(decision)
            }
        }
    }

    fn start(
        &mut self,
        asked: &Asked<'_>,
        key: Key,
        taken: What,
        now: DateTime,
    ) -> Result<Decision, Impossible> {
        let mut decision = Decision::default();
        self.record(taken, now, &mut decision)?;
        match asked.wants {
            ResponseType::Ack => decision.replies.extend(asked.reply(Response::new(Status::Processing))),
            ResponseType::Status => {
                let words = Response::with_text(Status::Processing, "taken");
                decision.replies.extend(asked.reply(words));
            }
            ResponseType::Complete | ResponseType::None => {}
        }
        self.due(now, &mut decision)?;
        let open = self.state.open.contains(&key);
        let more = matches!(asked.wants, ResponseType::Complete | ResponseType::Status);
        decision.awaits = (open && more).then_some(key);
        Ok(decision)
    }

    /// What is to be done, or what is to be answered at once.
    fn plan(
        &self,
        asked: &Asked<'_>,
        command: &Command,
        order: Order,
        now: DateTime,
    ) -> Result<Plan, Denial> {
        let span = || command.args.span(now).map_err(|refusal| denied(&refusal));
        let work = match order {
            Order::Features(features) => {
                return Ok(Plan::Answer(self.features(&features, asked.language)));
            }
            _ if self.state.commands.len() >= self.config.limits.commands_max => {
                return Err(full("too many commands are remembered"));
            }
            Order::Rule(order) => Work::Install(self.rule(order, span()?.stop)?),
            Order::Delete(number) => {
                let held = self.state.rules.get(&number);
                let own = held.filter(|held| {
                    self.config.delete_others || held.rule.by.producer == asked.request.producer
                });
                if own.is_none() {
                    return Err(no(Status::InternalError, texts::RULE_NOT_REMOVED));
                }
                Work::Delete(number)
            }
            Order::Update(file) => Work::update(&file),
        };
        Ok(Plan::Do(work, span()?.start))
    }

    fn rule(&self, order: RuleOrder, stop: Option<DateTime>) -> Result<Rule, Denial> {
        let Limits { rules_max, .. } = self.config.limits;
        if self.state.rules.len() >= rules_max {
            return Err(full("there are too many rules"));
        }
        let number = order.insert_rule.unwrap_or_else(|| self.state.next_number());
        if self.state.rules.contains_key(&number) {
            return Err(no(Status::NotImplemented, texts::RULE_NUMBER_IN_USE));
        }
        if number.0 > crate::json::INTEGER_MAX {
            return Err(full("there are no more rule numbers"));
        }
        let RuleOrder { action, target, direction, drop_process, persistent, .. } = order;
        let by = Key { producer: String::new(), id: String::new() };
        Ok(Rule { number, by, action, target, direction, drop_process, persistent, stop })
    }

    /// The answer to `query features` (LS 4.1): what was asked for, and nothing where nothing was.
    fn features(&self, features: &[Feature], language: Language) -> Response {
        if features.is_empty() {
            return Response::new(Status::Ok);
        }
        let mut results = Results::default();
        for feature in features {
            match feature {
                Feature::Versions => results.versions = Some(vec![Language::V1_0.as_str().to_owned()]),
                Feature::Profiles => results.profiles = Some(slpf::profiles(language)),
                Feature::Pairs => {
                    let mut pairs = self.config.support.pairs.clone();
                    let query = crate::TargetName::common("features");
                    query.into_iter().for_each(|query| pairs.add(crate::Action::Query, query));
                    results.pairs = Some(pairs);
                }
                Feature::RateLimit => results.rate_limit = self.config.rate_limit.map(Into::into),
                Feature::Args => results.args = Some(arguments(&self.config)),
            }
        }
        // A rate that is not limited leaves nothing to tell, and results are never empty.
        let results = (results != Results::default()).then_some(results);
        Response { results, ..Response::new(Status::Ok) }
    }
}

/// What is to be done about a command.
enum Plan {
    Answer(Response),
    Do(Work, DateTime),
}

fn no(status: Status, text: &str) -> Denial {
    Denial { status, text: text.to_owned() }
}

fn full(text: &str) -> Denial {
    no(Status::ServiceUnavailable, text)
}

fn denied(refusal: &Refusal) -> Denial {
    Denial { status: refusal.status(), text: refusal.status_text() }
}

/// What names a command: its own identifier, or that of its request (LS 3.3.1).
fn identifier(command: &Command, request: &Request) -> Option<String> {
    let own = command.command_id.as_ref().map(|id| id.as_str().to_owned()).filter(|id| !id.is_empty());
    own.or_else(|| {
        let id = request.headers.request_id.as_ref()?;
        // One that could not be a command's stands under its hash, so that it can be no other's either.
        let fits = CommandId::parse(id).is_some_and(|id| !id.as_str().is_empty());
        Some(if fits { id.clone() } else { hex::encode(Sha256::digest(id)) })
    })
}

fn arguments(config: &Config) -> Vec<String> {
    let mut names = vec!["response_requested".to_owned()];
    for option in &config.support.options {
        for name in option.argument() {
            if !names.iter().any(|known| known == name) {
                names.push((*name).to_owned());
            }
        }
    }
    names
}
