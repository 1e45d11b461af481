use crate::Timestamp;

/// A whole pattern (STIX 2.1 §9.4). Equal patterns have equal trees; parentheses that change nothing are not kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The outermost observation expression.
    pub root: Observation,
}

/// An observation expression (STIX 2.1 §9.5): what must be seen, possibly over several observations.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// `[ … ]`: one observation satisfies the comparison.
    Test(Comparison),
    /// `a AND b …`: all, on different observations; two or more members.
    And(Vec<Self>),
    /// `a OR b …`: any one; two or more members.
    Or(Vec<Self>),
    /// `a FOLLOWEDBY b …`: all, in this order of time; two or more members.
    FollowedBy(Vec<Self>),
    /// `a WITHIN … REPEATS … START …`: at most one qualifier of each kind, in the order written.
    Qualified {
        /// What is qualified.
        inner: Box<Self>,
        /// The qualifiers, one or more.
        qualifiers: Vec<Qualifier>,
    },
}

/// A restriction on the observations that match (STIX 2.1 §9.5.1).
#[derive(Debug, Clone, PartialEq)]
pub enum Qualifier {
    /// `WITHIN x SECONDS`; seconds, finite and above zero.
    Within {
        /// Length of the window in seconds.
        seconds: f64,
    },
    /// `REPEATS x TIMES`; one or more.
    Repeats {
        /// How many different observations must match.
        times: u64,
    },
    /// `START x STOP y`: from `start`, before `stop`.
    StartStop {
        /// The first instant that counts.
        start: Timestamp,
        /// The first instant that no longer counts.
        stop: Timestamp,
    },
}

/// A comparison expression (STIX 2.1 §9.6), about one observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    /// One test of one property.
    Test(Test),
    /// `a AND b …`; two or more members.
    And(Vec<Self>),
    /// `a OR b …`; two or more members.
    Or(Vec<Self>),
}

/// One test of one property, e.g. `file:name NOT LIKE 'a%'`.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// The property.
    pub path: ObjectPath,
    /// Whether `NOT` stands before the operator.
    pub negated: bool,
    /// The operator with what it compares to.
    pub operator: Operator,
}

/// A comparison operator and its operand (STIX 2.1 §9.6.1).
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// `=`
    Equal(Constant),
    /// `!=`
    NotEqual(Constant),
    /// `>`; never a boolean, as with the other orders.
    Greater(Constant),
    /// `>=`
    GreaterOrEqual(Constant),
    /// `<`
    Less(Constant),
    /// `<=`
    LessOrEqual(Constant),
    /// `IN ( … )`; constants of one kind, possibly none.
    In(Vec<Constant>),
    /// `LIKE`: `%` any run of characters, `_` any one.
    Like(String),
    /// `MATCHES`: a PCRE, searched, with DOTALL.
    Matches(String),
    /// `ISSUBSET`: an address or network.
    IsSubset(String),
    /// `ISSUPERSET`: an address or network.
    IsSuperset(String),
    /// `EXISTS path`
    Exists,
}

/// An object path (STIX 2.1 §9.7), e.g. `file:hashes.'SHA-256'`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectPath {
    /// The type before the colon, e.g. `file`.
    pub object_type: String,
    /// The steps after the colon; the first is a key.
    pub steps: Vec<Step>,
}

/// One step of an object path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A property, a dictionary key, or a property of the object that a reference names.
    Key(String),
    /// `[n]`: an item of a list, counted from 0.
    Index(u64),
    /// `[*]`: any item of a list.
    Any,
}

/// A constant (STIX 2.1 §9.2).
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// `'text'`
    String(String),
    /// `42`; within ±(2^53 − 1) as of STIX 2.1 §2.11.
    Integer(i64),
    /// `4.2`; finite.
    Float(f64),
    /// `true`, `false`
    Boolean(bool),
    /// `h'ffc3'`: bytes.
    Hex(Vec<u8>),
    /// `b'ABI='`: bytes.
    Binary(Vec<u8>),
    /// `t'2014-01-13T07:03:17Z'`
    Timestamp(Timestamp),
}

impl Constant {
    /// What kind of constant it is, in the words of STIX 2.1 §9.2; integers and floats compare with each other and are
    /// both `number`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Integer(_) | Self::Float(_) => "number",
            Self::Boolean(_) => "boolean",
            Self::Hex(_) => "hex",
            Self::Binary(_) => "binary",
            Self::Timestamp(_) => "timestamp",
        }
    }
}
