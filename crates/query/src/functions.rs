//! What an analyst needs and SQL has not.
//!
//! | function | gives |
//! |---|---|
//! | `in_network(value, '203.0.113.0/24', …)` | whether it is an address of any of these networks |
//! | `is_below(value, 'example.jp', …)` | whether it is a name below any of these, and none of them |
//! | `canonical('domain-name', 'Example.JP')` | the spelling in which `observables` tells such a value; null where it tells none |
//! | `address(observed, 'source')` | the first address of a record in that role |

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::network::{Networks, Parents};
use crate::spelling;

pub(crate) const IN_NETWORK: &str = "in_network";
pub(crate) const IS_BELOW: &str = "is_below";

/// All of them.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        of(Held { name: IN_NETWORK, signature: texts() }),
        of(Held { name: IS_BELOW, signature: texts() }),
        canonical(),
        address(),
    ]
}

/// `canonical(kind, value)`.
pub(crate) fn canonical() -> Arc<ScalarUDF> {
    of(Canonical { signature: texts() })
}

/// `address(observed, role)`.
pub(crate) fn address() -> Arc<ScalarUDF> {
    of(AddressOf { signature: Signature::user_defined(Volatility::Immutable) })
}

fn of(function: impl ScalarUDFImpl + 'static) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(function))
}

fn texts() -> Signature {
    Signature::user_defined(Volatility::Immutable)
}

/// At least two arguments, each as text.
fn as_texts(name: &str, arguments: &[DataType]) -> Result<Vec<DataType>> {
    if arguments.len() < 2 {
        return plan_err!("`{name}` takes a value and at least one text behind it");
    }
    Ok(vec![DataType::Utf8; arguments.len()])
}

fn column(value: &ColumnarValue, rows: usize) -> Result<StringArray> {
    let array = cast(&value.to_array(rows)?, &DataType::Utf8)?;
    Ok(array.as_string::<i32>().clone())
}

/// An argument that is the same for all rows.
fn constant<'a>(name: &str, value: &'a ColumnarValue) -> Result<&'a str> {
    match value {
        ColumnarValue::Scalar(scalar) => scalar.try_as_str().flatten(),
        ColumnarValue::Array(_) => None,
    }
    .ok_or_else(|| exec_datafusion_err!("`{name}` takes constant texts behind its value"))
}

/// `in_network` and `is_below`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Held {
    name: &'static str,
    signature: Signature,
}

/// An error that says which text is not what it should be.
pub(crate) fn no_network(text: &str) -> DataFusionError {
    exec_datafusion_err!("`{text}` is no network; write one as `203.0.113.0/24`")
}

pub(crate) fn no_name(text: &str) -> DataFusionError {
    exec_datafusion_err!("`{text}` is no domain name; write one as `example.jp`")
}

impl ScalarUDFImpl for Held {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        as_texts(self.name, arguments)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, called: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some((value, rest)) = called.args.split_first() else { return plan_err!("no argument") };
        let rest = rest.iter().map(|it| constant(self.name, it)).collect::<Result<Vec<_>>>()?;
        let values = column(value, called.number_rows)?;
        let held: BooleanArray = if self.name == IN_NETWORK {
            let networks = Networks::parse(rest).map_err(no_network)?;
            values.iter().map(|value| value.map(|value| networks.hold(value))).collect()
        } else {
            let parents = Parents::parse(rest).map_err(no_name)?;
            values.iter().map(|value| value.map(|value| parents.hold(value))).collect()
        };
        as_called(value, Arc::new(held))
    }
}

/// One value for a call with one value.
fn as_called(argument: &ColumnarValue, answer: ArrayRef) -> Result<ColumnarValue> {
    match argument {
        ColumnarValue::Scalar(_) if !answer.is_empty() => {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answer, 0)?))
        }
        _ => Ok(ColumnarValue::Array(answer)),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Canonical {
    signature: Signature,
}

impl ScalarUDFImpl for Canonical {
    fn name(&self) -> &'static str {
        "canonical"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [_, _] => as_texts("canonical", arguments),
            _ => plan_err!("`canonical` takes the name of a kind and a value"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, called: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [kind, value] = called.args.as_slice() else { return plan_err!("two arguments") };
        let (kinds, values) = (column(kind, called.number_rows)?, column(value, called.number_rows)?);
        let pairs = kinds.iter().zip(values.iter());
        let told: StringArray =
            pairs.map(|(kind, value)| kind.zip(value).and_then(|(k, v)| spelling::canonical(k, v))).collect();
        match (kind, value) {
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)) => as_called(kind, Arc::new(told)),
            _ => Ok(ColumnarValue::Array(Arc::new(told))),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AddressOf {
    signature: Signature,
}

impl ScalarUDFImpl for AddressOf {
    fn name(&self) -> &'static str {
        "address"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [list @ DataType::List(_), _] => Ok(vec![list.clone(), DataType::Utf8]),
            _ => plan_err!("`address` takes the column `observed` and `source` or `destination`"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, called: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [observed, role] = called.args.as_slice() else { return plan_err!("two arguments") };
        let role = constant("address", role)?;
        let observed = observed.to_array(called.number_rows)?;
        let first = first_addresses(&observed, role);
        let first = first.ok_or_else(|| exec_datafusion_err!("`address` takes the column `observed`"))?;
        Ok(ColumnarValue::Array(first))
    }
}

/// `None` where the array is not the column.
fn first_addresses(observed: &ArrayRef, role: &str) -> Option<ArrayRef> {
    let lists = observed.as_list_opt::<i32>()?;
    let parts = lists.values().as_struct_opt()?;
    let part = |name: &str| parts.column_by_name(name)?.as_string_opt::<i32>();
    let (kinds, values, roles) = (part("kind")?, part("value")?, part("role")?);
    let is_one =
        |at: &usize| roles.value(*at) == role && matches!(kinds.value(*at), "ipv4-addr" | "ipv6-addr");
    let mut first = StringBuilder::new();
    for row in 0..lists.len() {
        let ends = [row, row + 1].map(|at| lists.value_offsets().get(at).copied().unwrap_or_default());
        let [from, until] = ends.map(|end| usize::try_from(end).unwrap_or_default());
        let found = (from..until).find(is_one).filter(|_| lists.is_valid(row));
        first.append_option(found.and_then(|at| spelling::canonical(kinds.value(at), values.value(at))));
    }
    Some(Arc::new(first.finish()))
}
