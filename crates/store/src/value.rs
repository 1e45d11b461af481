//! What goes into a statement and what comes out of a row, whichever database runs it.

use crate::StoreError;

/// A parameter of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'v> {
    /// Nothing, where a value of this kind could stand.
    Null(Kind),
    /// A number, or 1 and 0 for yes and no.
    Integer(i64),
    /// Text.
    Text(&'v str),
    /// Bytes.
    Bytes(&'v [u8]),
}

/// The kinds of column that tables have: `BIGINT`, `TEXT`, `BYTEA`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Text,
    Bytes,
}

/// What can be a parameter.
pub(crate) trait ToValue {
    fn to_value(&self) -> Value<'_>;
}

/// Whose kind is known without a value, so that it may be absent.
pub(crate) trait OfKind {
    const KIND: Kind;
}

/// The parameters of a statement, `?1` first: a tuple, an array, a list, or [`params!`]; `()` for none.
pub(crate) trait Params {
    fn with<T>(self, take: impl FnOnce(&[Value<'_>]) -> T) -> T;
}

/// Any number of parameters of any type.
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::value::ToValue::to_value(&$value)),*] };
}
pub(crate) use params;

/// A row of a result.
pub(crate) struct Row<'r>(pub(crate) Source<'r>);

/// Where a row comes from.
pub(crate) enum Source<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r ::postgres::Row),
}

/// What stands in one column of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column<'r> {
    Null,
    Integer(i64),
    Text(&'r str),
    Bytes(&'r [u8]),
}

/// What can be read from a column; `None`: not from this one.
pub(crate) trait FromColumn: Sized {
    fn from_column(column: Column<'_>) -> Option<Self>;
}

impl Row<'_> {
    /// A column, from 0.
    pub(crate) fn get<T: FromColumn>(&self, index: usize) -> Result<T, StoreError> {
        T::from_column(self.column(index)?).ok_or_else(|| unexpected(index))
    }

    /// A column's text, not copied.
    pub(crate) fn text(&self, index: usize) -> Result<&str, StoreError> {
        match self.column(index)? {
            Column::Text(text) => Ok(text),
            _ => Err(unexpected(index)),
        }
    }

    /// A column's bytes, not copied.
    pub(crate) fn bytes(&self, index: usize) -> Result<&[u8], StoreError> {
        match self.column(index)? {
            Column::Bytes(bytes) => Ok(bytes),
            _ => Err(unexpected(index)),
        }
    }

    fn column(&self, index: usize) -> Result<Column<'_>, StoreError> {
        match &self.0 {
            Source::Sqlite(row) => crate::sqlite::column(row, index),
            Source::Postgres(row) => crate::postgresql::column(row, index),
        }
    }
}

fn unexpected(index: usize) -> StoreError {
    StoreError::corrupt(format!("column {index} holds something else than its table says"))
}

macro_rules! integers {
    ($($integer:ty),+) => {$(
        impl ToValue for $integer {
            fn to_value(&self) -> Value<'_> {
                Value::Integer(i64::from(*self))
            }
        }

        impl OfKind for $integer {
            const KIND: Kind = Kind::Integer;
        }

        impl FromColumn for $integer {
            fn from_column(column: Column<'_>) -> Option<Self> {
                match column {
                    Column::Integer(number) => Self::try_from(number).ok(),
                    _ => None,
                }
            }
        }
    )+};
}
integers!(i64, i32, u32, u16, u8);

impl FromColumn for bool {
    fn from_column(column: Column<'_>) -> Option<Self> {
        i64::from_column(column).map(|number| number != 0)
    }
}

impl FromColumn for String {
    fn from_column(column: Column<'_>) -> Option<Self> {
        match column {
            Column::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl FromColumn for Vec<u8> {
    fn from_column(column: Column<'_>) -> Option<Self> {
        match column {
            Column::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl<const N: usize> FromColumn for [u8; N] {
    fn from_column(column: Column<'_>) -> Option<Self> {
        match column {
            Column::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(column: Column<'_>) -> Option<Self> {
        match column {
            Column::Null => Some(None),
            column => T::from_column(column).map(Some),
        }
    }
}

macro_rules! values {
    ($([$($generic:tt)*] $type:ty => $kind:ident, $self:ident: $value:expr;)+) => {$(
        impl<$($generic)*> ToValue for $type {
            fn to_value(&$self) -> Value<'_> {
                Value::$kind($value)
            }
        }

        impl<$($generic)*> OfKind for $type {
            const KIND: Kind = Kind::$kind;
        }
    )+};
}
values! {
    [] bool => Integer, self: i64::from(*self);
    [] str => Text, self: self;
    [] String => Text, self: self;
    [] Box<str> => Text, self: self;
    [] [u8] => Bytes, self: self;
    [] Vec<u8> => Bytes, self: self;
    [] bytes::Bytes => Bytes, self: self;
    [const N: usize] [u8; N] => Bytes, self: self;
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

impl<T: OfKind + ?Sized> OfKind for &T {
    const KIND: Kind = T::KIND;
}

impl<T: ToValue + OfKind> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null(T::KIND), ToValue::to_value)
    }
}

impl ToValue for Value<'_> {
    fn to_value(&self) -> Value<'_> {
        *self
    }
}

impl Params for () {
    fn with<T>(self, take: impl FnOnce(&[Value<'_>]) -> T) -> T {
        take(&[])
    }
}

impl<V: ToValue, const N: usize> Params for [V; N] {
    fn with<T>(self, take: impl FnOnce(&[Value<'_>]) -> T) -> T {
        take(&self.each_ref().map(ToValue::to_value))
    }
}

impl Params for Vec<Value<'_>> {
    fn with<T>(self, take: impl FnOnce(&[Value<'_>]) -> T) -> T {
        take(&self)
    }
}

impl Params for &Vec<Value<'_>> {
    fn with<T>(self, take: impl FnOnce(&[Value<'_>]) -> T) -> T {
        take(self)
    }
}

macro_rules! tuples {
    ($(($($name:ident $place:tt),+))+) => {$(
        impl<$($name: ToValue),+> Params for ($($name,)+) {
            fn with<T>(self, take: impl FnOnce(&[Value<'_>]) -> T) -> T {
                take(&[$(self.$place.to_value()),+])
            }
        }
    )+};
}
tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9)
}
