//! From the words of a query to what it asks.

use super::{
    ast::{Column, Condition, Literal, Operator, Order, Path, Query, Selected},
    failure::Failure,
    tokens::{Token, tokens},
};
use crate::record::{date, date_time};

/// Words that are no names of fields.
const RESERVED: [&str; 12] = [
    "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "LIKE", "IN", "ORDER", "LIMIT", "OFFSET",
    "GROUP",
];
const FUNCTIONS: [&str; 6] = ["COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG"];

/// Reads a query.
pub(super) fn parse(text: &str) -> Result<Query, Failure> {
    if text.len() > 100_000 {
        return Err(Failure::malformed(
            0,
            "SOQL statements cannot be longer than 100000 characters.",
        ));
    }
    let mut parser = Parser { tokens: tokens(text)?, place: 0 };
    parser.query(text)
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    place: usize,
}

impl Parser {
    fn look(&self) -> &Token {
        &self.tokens[self.place.min(self.tokens.len() - 1)].0
    }

    fn at(&self) -> usize {
        self.tokens[self.place.min(self.tokens.len() - 1)].1
    }

    fn unexpected(&self) -> Failure {
        Failure::unexpected(self.at(), &self.look().shown())
    }

    fn next_is(&self, word: &str) -> bool {
        matches!(self.look(), Token::Word(own) if own.eq_ignore_ascii_case(word))
    }

    /// Takes this word if it is next.
    fn word(&mut self, word: &str) -> bool {
        let is = self.next_is(word);
        self.place += usize::from(is);
        is
    }

    fn must(&mut self, word: &str) -> Result<(), Failure> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let is = matches!(self.look(), Token::Symbol(own) if *own == symbol);
        self.place += usize::from(is);
        is
    }

    fn must_symbol(&mut self, symbol: &str) -> Result<(), Failure> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn path(&mut self) -> Result<Path, Failure> {
        let at = self.at();
        match self.look().clone() {
            Token::Word(word)
                if !RESERVED.iter().any(|own| own.eq_ignore_ascii_case(&word))
                    && !word.contains(':') =>
            {
                self.place += 1;
                Ok(Path { parts: word.split('.').map(ToOwned::to_owned).collect(), at })
            }
            _ => Err(self.unexpected()),
        }
    }

    fn query(&mut self, text: &str) -> Result<Query, Failure> {
        self.must("SELECT")?;
        let selected = self.selected()?;
        self.must("FROM")?;
        let object = self.path()?;
        let condition = if self.word("WHERE") { Some(self.any()?) } else { None };
        let mut grouped = Vec::new();
        if self.word("GROUP") {
            self.must("BY")?;
            grouped.push(self.path()?);
            while self.symbol(",") {
                grouped.push(self.path()?);
            }
        }
        let selected = match selected {
            Selected::Fields(paths) if !grouped.is_empty() => Selected::Aggregates(
                paths
                    .into_iter()
                    .map(|path| Column { function: None, path, alias: None })
                    .collect(),
            ),
            selected => selected,
        };
        let order = self.order()?;
        let limit = if self.word("LIMIT") { Some(self.whole()?) } else { None };
        let at = self.at();
        let offset = if self.word("OFFSET") { self.whole()? } else { 0 };
        if offset > 2_000 {
            let message = "Maximum SOQL offset allowed is 2000".to_owned();
            return Err(Failure { code: "NUMBER_OUTSIDE_VALID_RANGE", message, at });
        }
        if *self.look() != Token::End {
            return Err(self.unexpected());
        }
        let text = text.to_owned();
        Ok(Query { text, object, selected, condition, grouped, order, limit, offset })
    }

    fn selected(&mut self) -> Result<Selected, Failure> {
        let mut columns = vec![self.column()?];
        while self.symbol(",") {
            columns.push(self.column()?);
        }
        if let [Column { function: Some(function), path, .. }] = columns.as_slice()
            && function == "COUNT"
            && path.parts.is_empty()
        {
            return Ok(Selected::Count);
        }
        if let Some(bare) = columns.iter().find(|column| column.path.parts.is_empty()) {
            return Err(Failure::unexpected(bare.path.at, ")"));
        }
        if columns.iter().any(|column| column.function.is_some()) {
            return Ok(Selected::Aggregates(columns));
        }
        Ok(Selected::Fields(columns.into_iter().map(|column| column.path).collect()))
    }

    fn column(&mut self) -> Result<Column, Failure> {
        let path = self.path()?;
        if !self.symbol("(") {
            return Ok(Column { function: None, path, alias: None });
        }
        let function = path.parts.join(".").to_uppercase();
        if !FUNCTIONS.contains(&function.as_str()) {
            return Err(Failure::unexpected(path.at, "("));
        }
        let at = self.at();
        let path = if self.symbol(")") {
            Path { parts: Vec::new(), at }
        } else {
            let path = self.path()?;
            self.must_symbol(")")?;
            path
        };
        let alias = match self.look().clone() {
            Token::Word(word) if !RESERVED.iter().any(|own| own.eq_ignore_ascii_case(&word)) => {
                self.place += 1;
                Some(word)
            }
            _ => None,
        };
        Ok(Column { function: Some(function), path, alias })
    }

    fn order(&mut self) -> Result<Vec<Order>, Failure> {
        let mut order = Vec::new();
        if !self.word("ORDER") {
            return Ok(order);
        }
        self.must("BY")?;
        loop {
            let path = self.path()?;
            let descending = self.word("DESC") || {
                self.word("ASC");
                false
            };
            let mut nulls_last = false;
            if self.word("NULLS") {
                nulls_last = self.word("LAST");
                if !nulls_last {
                    self.must("FIRST")?;
                }
            }
            order.push(Order { path, descending, nulls_last });
            if !self.symbol(",") {
                return Ok(order);
            }
        }
    }

    fn whole(&mut self) -> Result<u64, Failure> {
        let Token::Value(value) = self.look().clone() else { return Err(self.unexpected()) };
        let number = value.parse().map_err(|_| self.unexpected())?;
        self.place += 1;
        Ok(number)
    }

    /// Conditions, of which AND and OR are not mixed without parentheses.
    fn any(&mut self) -> Result<Condition, Failure> {
        let mut conditions = vec![self.single()?];
        let joint = if self.next_is("AND") {
            "AND"
        } else if self.next_is("OR") {
            "OR"
        } else {
            return Ok(conditions.remove(0));
        };
        while self.word(joint) {
            conditions.push(self.single()?);
        }
        if self.next_is("AND") || self.next_is("OR") {
            return Err(self.unexpected());
        }
        Ok(if joint == "AND" { Condition::And(conditions) } else { Condition::Or(conditions) })
    }

    fn single(&mut self) -> Result<Condition, Failure> {
        if self.word("NOT") {
            return Ok(Condition::Not(Box::new(self.single()?)));
        }
        if self.symbol("(") {
            let inner = self.any()?;
            self.must_symbol(")")?;
            return Ok(inner);
        }
        let path = self.path()?;
        let not = self.word("NOT");
        if self.word("IN") {
            self.must_symbol("(")?;
            let mut literals = vec![self.literal(false)?];
            while self.symbol(",") {
                literals.push(self.literal(false)?);
            }
            self.must_symbol(")")?;
            return Ok(Condition::In { path, not, literals });
        }
        if not {
            return Err(self.unexpected());
        }
        let operator = self.operator()?;
        let literal = self.literal(operator == Operator::Like)?;
        Ok(Condition::Compare { path, operator, literal })
    }

    fn operator(&mut self) -> Result<Operator, Failure> {
        if self.word("LIKE") {
            return Ok(Operator::Like);
        }
        let Token::Symbol(symbol) = self.look() else { return Err(self.unexpected()) };
        let operator = match *symbol {
            "=" => Operator::Equal,
            "!=" | "<>" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            _ => return Err(self.unexpected()),
        };
        self.place += 1;
        Ok(operator)
    }

    fn literal(&mut self, pattern: bool) -> Result<Literal, Failure> {
        let literal = match self.look().clone() {
            Token::Text { pattern: text, .. } if pattern => Some(Literal::Pattern(text)),
            Token::Text { plain, .. } => Some(Literal::Text(plain)),
            Token::Value(value) => value
                .parse()
                .map(Literal::Number)
                .ok()
                .or_else(|| date(&value).map(Literal::Date))
                .or_else(|| date_time(&value).map(Literal::DateTime)),
            Token::Word(word) => named(&word),
            _ => None,
        };
        let literal = literal.ok_or_else(|| self.unexpected())?;
        self.place += 1;
        Ok(literal)
    }
}

fn named(word: &str) -> Option<Literal> {
    let word = word.to_uppercase();
    let range = |days_back, days| Some(Literal::Range { days_back, days });
    match word.as_str() {
        "NULL" => Some(Literal::Null),
        "TRUE" => Some(Literal::Flag(true)),
        "FALSE" => Some(Literal::Flag(false)),
        "TODAY" => range(0, 1),
        "YESTERDAY" => range(1, 1),
        _ => {
            let days: i64 = word.strip_prefix("LAST_N_DAYS:")?.parse().ok()?;
            range(days, days + 1)
        }
    }
}
