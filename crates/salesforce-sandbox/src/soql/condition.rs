//! Conditions as SQL. SOQL knows two truths alone: each comparison is true or false, also with
//! nothing on one side.

use jiff::{ToSpan as _, civil::Date};
use rusqlite::types::Value as Sql;

use super::{
    ast::{Condition, Literal, Operator, Path},
    compile::{Compiler, Found},
    failure::Failure,
};
use crate::{ids, schema::Kind};

impl<'w> Compiler<'w> {
    pub(super) fn condition(&mut self, condition: &Condition) -> Result<String, Failure> {
        match condition {
            Condition::And(all) => self.joined(all, " AND "),
            Condition::Or(any) => self.joined(any, " OR "),
            Condition::Not(inner) => Ok(format!("NOT ({})", self.condition(inner)?)),
            Condition::Compare { path, operator, literal } => {
                let found = self.filtered(path)?;
                self.compare(&found, path.at, *operator, literal)
            }
            Condition::In { path, not, literals } => {
                let found = self.filtered(path)?;
                self.listed(&found, path.at, *not, literals)
            }
        }
    }

    fn joined(&mut self, conditions: &[Condition], by: &str) -> Result<String, Failure> {
        let all = conditions.iter().map(|condition| self.condition(condition));
        Ok(format!("({})", all.collect::<Result<Vec<_>, _>>()?.join(by)))
    }

    fn filtered(&mut self, path: &Path) -> Result<Found<'w>, Failure> {
        let found = self.find(path)?;
        if found.field.is_some_and(|field| !field.filterable) {
            let message = format!("field '{}' can not be filtered in a query call", found.name);
            return Err(Failure::field(path.at, message));
        }
        Ok(found)
    }

    fn compare(
        &mut self,
        found: &Found<'_>,
        at: usize,
        operator: Operator,
        literal: &Literal,
    ) -> Result<String, Failure> {
        let Found { column, kind, .. } = found;
        if *literal == Literal::Null {
            return match operator {
                Operator::Equal => Ok(format!("({column} IS NULL)")),
                Operator::NotEqual => Ok(format!("({column} IS NOT NULL)")),
                // Nothing is neither less nor more than anything.
                _ => Ok("(0)".to_owned()),
            };
        }
        if let Literal::Range { days_back, days } = literal {
            return self.within(found, at, operator, *days_back, *days);
        }
        if operator == Operator::Like {
            let Literal::Pattern(pattern) = literal else { return Err(not_a(found, at)) };
            if !is_text(*kind) {
                let message = format!("invalid operator on {} field", kind.code());
                let code = "INVALID_QUERY_FILTER_OPERATOR";
                return Err(Failure { code, message, at });
            }
            self.values.push(Sql::Text(pattern.clone()));
            return Ok(format!("IFNULL(FOLD({column}) LIKE FOLD(?) ESCAPE '\\', 0)"));
        }
        let value = value(found, at, literal)?;
        let empty = value == Sql::Text(String::new());
        self.values.push(value);
        Ok(match operator {
            // An empty text is what an empty field is compared to.
            Operator::Equal if empty => format!("({column} IS NULLIF(?, ''))"),
            Operator::NotEqual if empty => format!("({column} IS NOT NULLIF(?, ''))"),
            Operator::Equal => format!("IFNULL({column} = ?, 0)"),
            Operator::NotEqual => format!("IFNULL({column} <> ?, 1)"),
            Operator::Less => format!("IFNULL({column} < ?, 0)"),
            Operator::LessOrEqual => format!("IFNULL({column} <= ?, 0)"),
            Operator::Greater => format!("IFNULL({column} > ?, 0)"),
            Operator::GreaterOrEqual => format!("IFNULL({column} >= ?, 0)"),
            Operator::Like => return Err(not_a(found, at)),
        })
    }

    fn listed(
        &mut self,
        found: &Found<'_>,
        at: usize,
        not: bool,
        literals: &[Literal],
    ) -> Result<String, Failure> {
        let column = &found.column;
        let null = literals.contains(&Literal::Null);
        let mut marks = Vec::new();
        for literal in literals.iter().filter(|literal| **literal != Literal::Null) {
            self.values.push(value(found, at, literal)?);
            marks.push("?");
        }
        let among = format!("IFNULL({column} IN ({}), 0)", marks.join(", "));
        let among = if null { format!("({among} OR {column} IS NULL)") } else { among };
        Ok(if not { format!("(NOT {among})") } else { among })
    }

    /// Days before now, in UTC.
    fn within(
        &mut self,
        found: &Found<'_>,
        at: usize,
        operator: Operator,
        days_back: i64,
        days: i64,
    ) -> Result<String, Failure> {
        let Found { column, kind, .. } = found;
        let today: Option<Date> = self.work.now.get(..10).and_then(|date| date.parse().ok());
        let first = today.and_then(|today| today.checked_sub(days_back.days()).ok());
        let end = first.and_then(|first| first.checked_add(days.days()).ok());
        let (Some(first), Some(end)) = (first, end) else { return Err(not_a(found, at)) };
        let written = |day: Date| match kind {
            Kind::DateTime => Some(Sql::Text(format!("{day}T00:00:00.000+0000"))),
            Kind::Date => Some(Sql::Text(day.to_string())),
            _ => None,
        };
        let (Some(first), Some(end)) = (written(first), written(end)) else {
            return Err(not_a(found, at));
        };
        let inside = format!("IFNULL({column} >= ? AND {column} < ?, 0)");
        let (condition, values) = match operator {
            Operator::Equal => (inside, vec![first, end]),
            Operator::NotEqual => (format!("(NOT {inside})"), vec![first, end]),
            Operator::Less => (format!("IFNULL({column} < ?, 0)"), vec![first]),
            Operator::GreaterOrEqual => (format!("IFNULL({column} >= ?, 0)"), vec![first]),
            Operator::Greater => (format!("IFNULL({column} >= ?, 0)"), vec![end]),
            Operator::LessOrEqual => (format!("IFNULL({column} < ?, 0)"), vec![end]),
            Operator::Like => return Err(not_a(found, at)),
        };
        self.values.extend(values);
        Ok(condition)
    }
}

fn is_text(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::String | Kind::TextArea | Kind::Picklist | Kind::Email | Kind::Phone | Kind::Url
    )
}

/// The value that a field of this kind is compared to.
fn value(found: &Found<'_>, at: usize, literal: &Literal) -> Result<Sql, Failure> {
    match (found.kind, literal) {
        (Kind::Id | Kind::Reference, Literal::Text(text)) => {
            if text.is_empty() {
                return Ok(Sql::Text(String::new()));
            }
            ids::long(text).map(Sql::Text).ok_or_else(|| Failure {
                code: "INVALID_QUERY_FILTER_OPERATOR",
                message: format!("invalid ID field: {text}"),
                at,
            })
        }
        (Kind::Boolean, Literal::Flag(flag)) => Ok(Sql::Integer(i64::from(*flag))),
        (Kind::Int | Kind::Double, Literal::Number(number)) => Ok(Sql::Real(*number)),
        (Kind::Date, Literal::Date(text)) | (Kind::DateTime, Literal::DateTime(text)) => {
            Ok(Sql::Text(text.clone()))
        }
        (kind, Literal::Text(text)) if is_text(kind) => Ok(Sql::Text(text.clone())),
        _ => Err(not_a(found, at)),
    }
}

/// A literal of another type.
fn not_a(found: &Found<'_>, at: usize) -> Failure {
    let (kind, quotes) = match found.kind {
        Kind::Boolean => ("boolean", "should not be enclosed in quotes"),
        Kind::Int => ("int", "should not be enclosed in quotes"),
        Kind::Double => ("double", "should not be enclosed in quotes"),
        Kind::Date => ("date", "should not be enclosed in quotes"),
        Kind::DateTime => ("dateTime", "should not be enclosed in quotes"),
        _ => ("string", "should be enclosed in quotes"),
    };
    let name = &found.name;
    Failure::field(
        at,
        format!("value of filter criterion for field '{name}' must be of type {kind} and {quotes}"),
    )
}
