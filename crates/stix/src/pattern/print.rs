use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Comparison, Constant, ObjectPath, Observation, Operator, Pattern, Qualifier, Step, Test};
use super::lexer::{is_keyword, is_plain_key};
use crate::binary;

impl Display for Pattern {
    /// The canonical text: one space, upper-case keywords, only the parentheses that are needed.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl Observation {
    /// How tightly it binds; higher binds tighter (STIX 2.1 §9.5.3).
    fn rank(&self) -> u8 {
        match self {
            Self::FollowedBy(_) => 0,
            Self::Or(_) => 1,
            Self::And(_) => 2,
            Self::Qualified { .. } => 3,
            Self::Test(_) => 4,
        }
    }
}

impl Display for Observation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rank = self.rank();
        let (members, operator) = match self {
            Self::Test(comparison) => return write!(f, "[{comparison}]"),
            Self::Qualified { inner, qualifiers } => {
                parenthesised(f, inner, inner.rank() <= rank)?;
                return qualifiers.iter().try_for_each(|qualifier| write!(f, " {qualifier}"));
            }
            Self::And(members) => (members, " AND "),
            Self::Or(members) => (members, " OR "),
            Self::FollowedBy(members) => (members, " FOLLOWEDBY "),
        };
        joined(f, members, operator, |member| member.rank() <= rank)
    }
}

impl Display for Qualifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within { seconds } => write!(f, "WITHIN {seconds} SECONDS"),
            Self::Repeats { times } => write!(f, "REPEATS {times} TIMES"),
            Self::StartStop { start, stop } => write!(f, "START t'{start}' STOP t'{stop}'"),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test(test) => test.fmt(f),
            Self::And(members) => joined(f, members, " AND ", |m| !matches!(m, Self::Test(_))),
            Self::Or(members) => joined(f, members, " OR ", |m| matches!(m, Self::Or(_))),
        }
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let not = if self.negated { "NOT " } else { "" };
        let path = &self.path;
        match &self.operator {
            Operator::Exists => write!(f, "{not}EXISTS {path}"),
            Operator::Equal(constant) => write!(f, "{path} {not}= {constant}"),
            Operator::NotEqual(constant) => write!(f, "{path} {not}!= {constant}"),
            Operator::Greater(constant) => write!(f, "{path} {not}> {constant}"),
            Operator::GreaterOrEqual(constant) => write!(f, "{path} {not}>= {constant}"),
            Operator::Less(constant) => write!(f, "{path} {not}< {constant}"),
            Operator::LessOrEqual(constant) => write!(f, "{path} {not}<= {constant}"),
            Operator::In(constants) => {
                write!(f, "{path} {not}IN (")?;
                joined(f, constants, ", ", |_| false)?;
                f.write_char(')')
            }
            Operator::Like(text) => write!(f, "{path} {not}LIKE {}", Quoted(text)),
            Operator::Matches(text) => write!(f, "{path} {not}MATCHES {}", Quoted(text)),
            Operator::IsSubset(text) => write!(f, "{path} {not}ISSUBSET {}", Quoted(text)),
            Operator::IsSuperset(text) => write!(f, "{path} {not}ISSUPERSET {}", Quoted(text)),
        }
    }
}

impl Display for ObjectPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.object_type)?;
        for (position, step) in self.steps.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Any => f.write_str("[*]")?,
                Step::Key(key) => {
                    if position > 0 {
                        f.write_char('.')?;
                    }
                    if is_plain_key(key) && !is_keyword(key) {
                        f.write_str(key)?;
                    } else {
                        Quoted(key).fmt(f)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => Quoted(text).fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) if number.fract() == 0.0 => write!(f, "{number:.1}"),
            Self::Float(number) => number.fmt(f),
            Self::Boolean(value) => value.fmt(f),
            Self::Hex(bytes) => write!(f, "h'{}'", hex::encode(bytes)),
            Self::Binary(bytes) => write!(f, "b'{}'", binary::encode(bytes)),
            Self::Timestamp(timestamp) => write!(f, "t'{timestamp}'"),
        }
    }
}

/// A string literal: apostrophe and backslash are escaped, nothing else (STIX 2.1 §9.2).
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('\'')?;
        for c in self.0.chars() {
            if matches!(c, '\'' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('\'')
    }
}

fn joined<T: Display>(
    f: &mut Formatter<'_>,
    members: &[T],
    operator: &str,
    needs_parentheses: impl Fn(&T) -> bool,
) -> fmt::Result {
    for (position, member) in members.iter().enumerate() {
        if position > 0 {
            f.write_str(operator)?;
        }
        parenthesised(f, member, needs_parentheses(member))?;
    }
    Ok(())
}

fn parenthesised(f: &mut Formatter<'_>, member: &impl Display, needed: bool) -> fmt::Result {
    if needed { write!(f, "({member})") } else { member.fmt(f) }
}
