//! What a filter of a query asks an index for.

use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use matcher::Sought;

use crate::functions::{IN_NETWORK, IS_BELOW};
use crate::network::{Networks, Parents};
use crate::spelling;

/// The column of `observables` that an index knows.
pub(crate) const VALUE: &str = "value";

/// For each part of a filter that an index can answer, what a row must show one of to satisfy the filter. Nothing where it can
/// answer none.
pub(crate) fn clauses(filter: &Expr) -> Vec<Vec<Sought>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { op: Operator::And, .. }) => {
            leaves(filter, Operator::And).into_iter().flat_map(clauses).collect()
        }
        Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) => {
            // Of each side the first part will do: whatever satisfies the side satisfies it.
            let sides = leaves(filter, Operator::Or).into_iter();
            let either: Option<Vec<Vec<Sought>>> =
                sides.map(|side| clauses(side).into_iter().next()).collect();
            either.map(|either| either.concat()).into_iter().collect()
        }
        Expr::Alias(alias) => clauses(&alias.expr),
        _ => clause(filter).into_iter().collect(),
    }
}

/// The expressions that an operator joins. A chain of thousands leans to one side, so this does not recurse.
fn leaves(expression: &Expr, joined_by: Operator) -> Vec<&Expr> {
    let (mut found, mut left) = (Vec::new(), vec![expression]);
    while let Some(expression) = left.pop() {
        match expression {
            Expr::BinaryExpr(it) if it.op == joined_by => left.extend([&*it.left, &*it.right]),
            other => found.push(other),
        }
    }
    found
}

fn clause(filter: &Expr) -> Option<Vec<Sought>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let text = if is_value(left) { text(right)? } else { text(left).filter(|_| is_value(right))? };
            Some(spelling::sought(text).collect())
        }
        Expr::InList(InList { expr, list, negated: false }) if is_value(expr) => {
            let texts: Option<Vec<&str>> = list.iter().map(text).collect();
            Some(texts?.into_iter().flat_map(spelling::sought).collect())
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            let (value, rest) = args.split_first()?;
            let texts = rest.iter().map(text).collect::<Option<Vec<&str>>>()?;
            match func.name() {
                _ if !is_value(value) => None,
                IN_NETWORK => Networks::parse(texts).ok().map(|networks| networks.sought()),
                IS_BELOW => Parents::parse(texts).ok().map(|parents| parents.sought()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_value(expression: &Expr) -> bool {
    matches!(expression, Expr::Column(column) if column.name == VALUE)
}

fn text(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Literal(scalar, _) => scalar.try_as_str().flatten(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};
    use matcher::{Sign, SignKind};

    use super::*;

    fn check(filter: &Expr, expected: &[usize]) {
        let found: Vec<usize> = clauses(filter).iter().map(Vec::len).collect();
        assert_eq!(found, expected, "{filter}");
    }

    #[test]
    fn filters_become_what_an_index_is_asked() {
        let address = || col(VALUE).eq(lit("198.51.100.7"));
        let digest = || lit("ab".repeat(32)).eq(col(VALUE));
        let other = || col("bytes").gt(lit(1));
        // An address may stand where a name is expected, a digest too.
        let each = |text: &str| spelling::sought(text).count();
        let (a, d) = (each("198.51.100.7"), each(&"ab".repeat(32)));
        check(&address(), &[a]);
        check(&address().and(other()), &[a]);
        check(&address().and(digest()), &[d, a]);
        check(&address().or(digest()), &[a + d]);
        check(&address().or(other()), &[]);
        check(&address().or(other().and(digest())), &[a + d]);
        check(&col(VALUE).in_list(vec![lit("198.51.100.7"), lit("ab".repeat(32))], false), &[a + d]);
        check(&col(VALUE).in_list(vec![lit("198.51.100.7")], true), &[]);
        check(&col("written").eq(lit("198.51.100.7")), &[]);
        check(&other(), &[]);
        let many = (0..50_000).fold(address(), |all, _| all.or(address()));
        assert_eq!(clauses(&many).concat().len(), a * 50_001);
        // The drop of so long a chain would recurse.
        std::mem::forget(many);
    }

    #[test]
    fn an_address_is_sought_as_such() {
        let sign = Sign { kind: SignKind::V4, bytes: Box::new([198, 51, 100, 7]) };
        let asked = clauses(&col(VALUE).eq(lit("198.51.100.7"))).concat();
        assert!(asked.contains(&Sought::Value(sign)), "{asked:?}");
    }
}
