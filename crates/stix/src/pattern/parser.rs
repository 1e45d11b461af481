use super::ast::{Comparison, Constant, ObjectPath, Observation, Operator, Pattern, Qualifier, Step, Test};
use super::lexer::{Cursor, is_keyword, is_plain_key};
use crate::{Timestamp, binary};

/// Longest pattern read, in bytes of UTF-8: some 15,000 comparisons.
pub const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Deepest nesting of parentheses read.
pub const PATTERN_DEPTH_MAX: usize = 64;

/// The integers of STIX 2.1 §2.11 lie within plus and minus this.
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// The text is not a pattern.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("not a STIX pattern at byte {offset}: {message}, expected {expected}")]
pub struct PatternError {
    /// Where, in bytes from the start of the text.
    pub offset: usize,
    /// What stands there.
    pub message: String,
    /// What could stand there.
    pub expected: &'static str,
}

impl Pattern {
    /// Reads a pattern by the grammar of STIX 2.1 §9.
    ///
    /// # Errors
    /// Names the first place where the text departs from the grammar, or the limit it exceeds
    /// ([`PATTERN_BYTES_MAX`], [`PATTERN_DEPTH_MAX`]).
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(PatternError {
                offset: PATTERN_BYTES_MAX,
                message: format!("the pattern has {} bytes", text.len()),
                expected: "at most 1 MiB",
            });
        }
        let mut parser = Parser { cursor: Cursor::new(text), depth: 0 };
        let root = parser.followed_by()?;
        if parser.cursor.at_end() {
            Ok(Self { root })
        } else {
            Err(parser.cursor.error("`AND`, `OR`, `FOLLOWEDBY`, a qualifier or the end"))
        }
    }
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    /// Open parentheses; at most [`PATTERN_DEPTH_MAX`].
    depth: usize,
}

type Parsed<T> = Result<T, PatternError>;

impl Parser<'_> {
    fn followed_by(&mut self) -> Parsed<Observation> {
        self.chain("FOLLOWEDBY", Self::observation_or, Observation::FollowedBy)
    }

    fn observation_or(&mut self) -> Parsed<Observation> {
        self.chain("OR", Self::observation_and, Observation::Or)
    }

    fn observation_and(&mut self) -> Parsed<Observation> {
        self.chain("AND", Self::qualified, Observation::And)
    }

    /// `a KEYWORD a KEYWORD a`: one member alone stays what it is.
    fn chain<T>(
        &mut self,
        keyword: &str,
        member: fn(&mut Self) -> Parsed<T>,
        join: fn(Vec<T>) -> T,
    ) -> Parsed<T> {
        let first = member(self)?;
        if !self.cursor.take_word(keyword) {
            return Ok(first);
        }
        let mut members = vec![first, member(self)?];
        while self.cursor.take_word(keyword) {
            members.push(member(self)?);
        }
        Ok(join(members))
    }

    fn qualified(&mut self) -> Parsed<Observation> {
        let inner = if self.cursor.take("[") {
            let comparison = self.comparison_or()?;
            if !self.cursor.take("]") {
                return Err(self.cursor.error("`AND`, `OR` or `]`"));
            }
            Observation::Test(comparison)
        } else if self.cursor.take("(") {
            self.parenthesised(Self::followed_by)?
        } else {
            return Err(self.cursor.error("`[` or `(`"));
        };
        let mut qualifiers: Vec<Qualifier> = Vec::new();
        while let Some(qualifier) = self.qualifier(&qualifiers)? {
            qualifiers.push(qualifier);
        }
        if qualifiers.is_empty() {
            return Ok(inner);
        }
        Ok(Observation::Qualified { inner: Box::new(inner), qualifiers })
    }

    fn parenthesised<T>(&mut self, inner: fn(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == PATTERN_DEPTH_MAX {
            return Err(self.cursor.error("at most 64 open parentheses"));
        }
        self.depth += 1;
        let value = inner(self)?;
        self.depth -= 1;
        if self.cursor.take(")") { Ok(value) } else { Err(self.cursor.error("`AND`, `OR` or `)`")) }
    }

    fn qualifier(&mut self, earlier: &[Qualifier]) -> Parsed<Option<Qualifier>> {
        let start = self.cursor.clone();
        let qualifier = match self.cursor.peek_word() {
            "WITHIN" => self.within()?,
            "REPEATS" => self.repeats()?,
            "START" => self.start_stop()?,
            _ => return Ok(None),
        };
        let kind = std::mem::discriminant(&qualifier);
        if earlier.iter().any(|other| std::mem::discriminant(other) == kind) {
            // STIX 2.1 §9.5.1
            self.cursor = start;
            return Err(self
                .cursor
                .error("at most one qualifier of each kind (use parentheses to qualify again)"));
        }
        Ok(Some(qualifier))
    }

    fn within(&mut self) -> Parsed<Qualifier> {
        self.cursor.take_word("WITHIN");
        let mut place = self.cursor.clone();
        let seconds = match self.number_constant()? {
            #[expect(
                clippy::cast_precision_loss,
                reason = "integers here are below 2^53, which a double holds"
            )]
            Constant::Integer(number) => number as f64,
            Constant::Float(number) => number,
            _ => 0.0,
        };
        #[expect(clippy::cast_precision_loss, reason = "2^53 is a double")]
        let longest = INTEGER_MAX as f64;
        if seconds <= 0.0 || seconds > longest {
            return Err(place.error("a number of seconds above zero, within 2^53"));
        }
        self.keyword("SECONDS", "`SECONDS`")?;
        Ok(Qualifier::Within { seconds })
    }

    fn repeats(&mut self) -> Parsed<Qualifier> {
        self.cursor.take_word("REPEATS");
        let mut place = self.cursor.clone();
        let times = match self.number_constant()? {
            Constant::Integer(number) => u64::try_from(number).unwrap_or(0),
            _ => 0,
        };
        if times == 0 {
            return Err(place.error("a whole number of times, one or more"));
        }
        self.keyword("TIMES", "`TIMES`")?;
        Ok(Qualifier::Repeats { times })
    }

    fn start_stop(&mut self) -> Parsed<Qualifier> {
        self.cursor.take_word("START");
        let start = self.timestamp()?;
        self.keyword("STOP", "`STOP`")?;
        let stop = self.timestamp()?;
        Ok(Qualifier::StartStop { start, stop })
    }

    fn keyword(&mut self, word: &str, expected: &'static str) -> Parsed<()> {
        if self.cursor.take_word(word) { Ok(()) } else { Err(self.cursor.error(expected)) }
    }

    fn comparison_or(&mut self) -> Parsed<Comparison> {
        self.chain("OR", Self::comparison_and, Comparison::Or)
    }

    fn comparison_and(&mut self) -> Parsed<Comparison> {
        self.chain("AND", Self::test, Comparison::And)
    }

    fn test(&mut self) -> Parsed<Comparison> {
        if self.cursor.take("(") {
            return self.parenthesised(Self::comparison_or);
        }
        let start = self.cursor.clone();
        let negated = self.cursor.take_word("NOT");
        if self.cursor.take_word("EXISTS") {
            let path = self.object_path()?;
            return Ok(Comparison::Test(Test { path, negated, operator: Operator::Exists }));
        }
        self.cursor = start;
        let path = self.object_path()?;
        let negated = self.cursor.take_word("NOT");
        let operator = self.operator()?;
        Ok(Comparison::Test(Test { path, negated, operator }))
    }

    fn operator(&mut self) -> Parsed<Operator> {
        let word = self.cursor.peek_word();
        self.cursor.skip(word.len());
        match word {
            "" => self.symbol(),
            "IN" => self.set(),
            "LIKE" => Ok(Operator::Like(self.cursor.string()?)),
            "MATCHES" => Ok(Operator::Matches(self.cursor.string()?)),
            "ISSUBSET" => Ok(Operator::IsSubset(self.cursor.string()?)),
            "ISSUPERSET" => Ok(Operator::IsSuperset(self.cursor.string()?)),
            _ => Err(self.cursor.error(OPERATORS)),
        }
    }

    fn symbol(&mut self) -> Parsed<Operator> {
        // Longer symbols first: `<=` is not `<`. The reference grammar also knows `==` and `<>`.
        let cursor = &mut self.cursor;
        if cursor.take("==") || cursor.take("=") {
            return Ok(Operator::Equal(self.constant()?));
        }
        if cursor.take("!=") || cursor.take("<>") {
            return Ok(Operator::NotEqual(self.constant()?));
        }
        let order: fn(Constant) -> Operator = if cursor.take("<=") {
            Operator::LessOrEqual
        } else if cursor.take(">=") {
            Operator::GreaterOrEqual
        } else if cursor.take("<") {
            Operator::Less
        } else if cursor.take(">") {
            Operator::Greater
        } else {
            return Err(cursor.error(OPERATORS));
        };
        let mut place = self.cursor.clone();
        match self.constant()? {
            Constant::Boolean(_) => Err(place.error("a constant that has an order (no boolean)")),
            constant => Ok(order(constant)),
        }
    }

    fn set(&mut self) -> Parsed<Operator> {
        if !self.cursor.take("(") {
            return Err(self.cursor.error("`(` after `IN`"));
        }
        let mut constants: Vec<Constant> = Vec::new();
        if self.cursor.take(")") {
            return Ok(Operator::In(constants));
        }
        loop {
            let mut place = self.cursor.clone();
            let constant = self.constant()?;
            if constants.first().is_some_and(|first| first.kind() != constant.kind()) {
                return Err(place.error("a constant of the same kind as the first of the set"));
            }
            constants.push(constant);
            if self.cursor.take(")") {
                return Ok(Operator::In(constants));
            }
            if !self.cursor.take(",") {
                return Err(self.cursor.error("`,` or `)`"));
            }
        }
    }

    fn object_path(&mut self) -> Parsed<ObjectPath> {
        let object_type = self.cursor.peek_word();
        if object_type.is_empty() || is_keyword(object_type) {
            return Err(self.cursor.error("an object path such as `file:name`"));
        }
        self.cursor.skip(object_type.len());
        if !self.cursor.take(":") {
            return Err(self.cursor.error("`:` after the object type"));
        }
        let mut steps = Vec::with_capacity(2);
        steps.push(self.key()?);
        loop {
            if self.cursor.take(".") {
                steps.push(self.key()?);
            } else if self.cursor.take("[") {
                steps.push(self.index()?);
            } else {
                return Ok(ObjectPath { object_type: object_type.to_owned(), steps });
            }
        }
    }

    fn key(&mut self) -> Parsed<Step> {
        if self.cursor.rest().starts_with('\'') {
            return Ok(Step::Key(self.cursor.string()?));
        }
        let word = self.cursor.peek_word();
        if !is_plain_key(word) || is_keyword(word) {
            let expected = if word.contains('-') {
                "apostrophes around a key with a hyphen, as in `hashes.'SHA-256'`"
            } else {
                "a property name"
            };
            return Err(self.cursor.error(expected));
        }
        self.cursor.skip(word.len());
        Ok(Step::Key(word.to_owned()))
    }

    fn index(&mut self) -> Parsed<Step> {
        let mut place = self.cursor.clone();
        let step = if self.cursor.take("*") {
            Step::Any
        } else {
            match self.number_constant()? {
                Constant::Integer(number) => Step::Index(
                    u64::try_from(number).map_err(|_| place.error("an index of 0 or more, or `*`"))?,
                ),
                _ => return Err(place.error("an index of 0 or more, or `*`")),
            }
        };
        if self.cursor.take("]") { Ok(step) } else { Err(self.cursor.error("`]` after the index")) }
    }

    fn constant(&mut self) -> Parsed<Constant> {
        let rest = self.cursor.rest();
        if rest.starts_with('\'') {
            return Ok(Constant::String(self.cursor.string()?));
        }
        if rest.starts_with("t'") {
            return Ok(Constant::Timestamp(self.timestamp()?));
        }
        if rest.starts_with("h'") {
            let mut place = self.cursor.clone();
            self.cursor.skip(1);
            let text = self.cursor.string()?;
            let bytes = hex::decode(text)
                .map_err(|_| place.error("an even number of hexadecimal digits in `h'…'`"))?;
            return Ok(Constant::Hex(bytes));
        }
        if rest.starts_with("b'") {
            let mut place = self.cursor.clone();
            self.cursor.skip(1);
            let text = self.cursor.string()?.replace(['\n', '\r'], "");
            let bytes = binary::decode(&text).ok_or_else(|| place.error("base64 with padding in `b'…'`"))?;
            return Ok(Constant::Binary(bytes));
        }
        if self.cursor.take_word("true") {
            return Ok(Constant::Boolean(true));
        }
        if self.cursor.take_word("false") {
            return Ok(Constant::Boolean(false));
        }
        self.number_constant()
    }

    fn number_constant(&mut self) -> Parsed<Constant> {
        let mut place = self.cursor.clone();
        let text = self.cursor.number();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let number = match digits.split_once('.') {
            Some((whole, fraction)) => {
                let written = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
                let value: f64 = text.parse().unwrap_or(f64::NAN);
                (written && !fraction.is_empty() && value.is_finite()).then_some(Constant::Float(value))
            }
            None => {
                let written = digits == "0" || !digits.starts_with('0');
                let value = if digits.starts_with('+') { None } else { text.parse::<i64>().ok() };
                value.filter(|n| written && n.abs() <= INTEGER_MAX).map(Constant::Integer)
            }
        };
        number.ok_or_else(|| {
            place.error(if text.is_empty() {
                "a constant: text in apostrophes, a number, `true`, `false`, `t'…'`, `h'…'` or `b'…'`"
            } else {
                "a number without plus sign, leading zero or exponent, whole numbers within 2^53"
            })
        })
    }

    fn timestamp(&mut self) -> Parsed<Timestamp> {
        let mut place = self.cursor.clone();
        if !self.cursor.rest().starts_with("t'") {
            return Err(place.error("a timestamp such as `t'2026-01-31T09:00:00Z'`"));
        }
        self.cursor.skip(1);
        let text = self.cursor.string()?;
        Timestamp::parse(&text)
            .map_err(|_| place.error("an instant that exists, as in `t'2026-01-31T09:00:00Z'`"))
    }
}

const OPERATORS: &str =
    "an operator: =, !=, <, <=, >, >=, IN, LIKE, MATCHES, ISSUBSET or ISSUPERSET (with or without NOT)";
