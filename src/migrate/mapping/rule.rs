//! How one field of a record is made.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::template::Template;

/// How a field is made.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct FieldRule {
    /// How its value is made.
    pub form: Form,
    /// Whether it is set in a second pass, when all records are there: for references among one class.
    pub later: bool,
    /// Whether a text that is too long is cut.
    pub cut: bool,
    /// Whether what cannot be made a value is left empty: a reference that leads nowhere, a date that is none,
    /// an address that is none.
    pub or_empty: bool,
    /// What people have to say of it before anything is loaded.
    pub decide: Option<String>,
}

/// How a value is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// The same for all.
    Constant(Value),
    /// Of attributes, in some form.
    Taken(Words, As),
    /// A value for each value of an attribute.
    Chosen {
        /// The attribute.
        from: String,
        /// Of each value of iTop that of Salesforce.
        values: BTreeMap<String, Value>,
        /// The value for all others, and for none.
        otherwise: Option<Value>,
    },
    /// The record of the object that an attribute refers to.
    Reference {
        /// The attribute.
        from: String,
        /// The classes that it can be of.
        refers_to: Vec<String>,
    },
    /// Whoever works on it in iTop, as [`super::People`] says.
    Owner {
        /// The attribute that refers to a person.
        from: String,
    },
    /// Nothing yet: people decide.
    Undecided,
}

/// Which words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// Those of an attribute.
    From(String),
    /// Those of several, among others.
    Template(Template),
}

/// What is made of an attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum As {
    /// What it is.
    #[default]
    Plain,
    /// HTML becomes plain text.
    Text,
    /// HTML stays HTML, without what is no text.
    Rich,
    /// A date with its time, of iTop's time zone.
    DateTime,
    /// A date alone.
    Date,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// An e-mail address.
    Email,
    /// Letters, digits and hyphens, and the id of the object: the address of an article.
    UrlName,
    /// A person, who may own records.
    Owner,
}

/// The rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    from: Option<String>,
    template: Option<Template>,
    constant: Option<toml::Value>,
    #[serde(rename = "as")]
    form: Option<As>,
    values: Option<BTreeMap<String, toml::Value>>,
    otherwise: Option<toml::Value>,
    refers_to: Option<Vec<String>>,
    #[serde(default)]
    later: bool,
    #[serde(default)]
    cut: bool,
    #[serde(default)]
    or_empty: bool,
    decide: Option<String>,
}

impl TryFrom<Written> for FieldRule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { later, cut, or_empty, .. } = written;
        let decide = written.decide.clone();
        let form = form(written)?;
        let is_reference = matches!(form, Form::Reference { .. });
        if later && !is_reference {
            return Err("`later` is for references: it goes with `refers_to`".to_owned());
        }
        let is_text = matches!(&form, Form::Taken(_, As::Plain | As::Text | As::Rich));
        if cut && !is_text {
            return Err("`cut` is for texts".to_owned());
        }
        Ok(Self { form, later, cut, or_empty, decide })
    }
}

fn form(written: Written) -> Result<Form, String> {
    let Written { from, template, constant, form, values, otherwise, refers_to, decide, .. } =
        written;
    let given = [from.is_some(), template.is_some(), constant.is_some()];
    match given.iter().filter(|given| **given).count() {
        1 => {}
        0 if decide.is_some() => return Ok(Form::Undecided),
        0 => return Err("one of `from`, `template`, `constant` or `decide` is missing".to_owned()),
        _ => return Err("`from`, `template` and `constant` exclude one another".to_owned()),
    }
    let chooses = values.is_some() || otherwise.is_some();
    if let Some(constant) = constant {
        return if form.is_some() || chooses || refers_to.is_some() {
            Err("beside `constant` there is nothing to say".to_owned())
        } else {
            scalar(constant).map(Form::Constant)
        };
    }
    if let Some(template) = template {
        return match form.unwrap_or_default() {
            form @ (As::Plain | As::Text | As::Rich | As::UrlName)
                if !chooses && refers_to.is_none() =>
            {
                Ok(Form::Taken(Words::Template(template), form))
            }
            _ => Err("a `template` is text: `as` may be plain, text, rich or url_name".to_owned()),
        };
    }
    let from = from.unwrap_or_default();
    if from.is_empty() {
        return Err("`from` names no attribute".to_owned());
    }
    match (refers_to, chooses, form) {
        (Some(refers_to), false, None) if !refers_to.is_empty() => {
            Ok(Form::Reference { from, refers_to })
        }
        (None, true, None) => {
            let each = values.unwrap_or_default().into_iter();
            let values = each.map(|(value, to)| Ok((value, scalar(to)?)));
            Ok(Form::Chosen {
                from,
                values: values.collect::<Result<_, String>>()?,
                otherwise: otherwise.map(scalar).transpose()?,
            })
        }
        (None, false, Some(As::Owner)) => Ok(Form::Owner { from }),
        (None, false, form) => Ok(Form::Taken(Words::From(from), form.unwrap_or_default())),
        (Some(_), false, None) => Err("`refers_to` names no class".to_owned()),
        _ => Err("`values`, `refers_to` and `as` exclude one another".to_owned()),
    }
}

/// A value that a field can hold.
fn scalar(value: toml::Value) -> Result<Value, String> {
    match value {
        toml::Value::String(text) => Ok(Value::String(text)),
        toml::Value::Boolean(flag) => Ok(Value::Bool(flag)),
        toml::Value::Integer(number) => Ok(Value::from(number)),
        toml::Value::Float(number) => Ok(Value::from(number)),
        _ => Err("a value is a text, a number, true or false".to_owned()),
    }
}

impl FieldRule {
    /// The attributes that it takes.
    pub fn attributes(&self) -> Vec<&str> {
        match &self.form {
            Form::Constant(_) | Form::Undecided => Vec::new(),
            Form::Taken(Words::Template(template), _) => template.attributes().collect(),
            Form::Taken(Words::From(from), _)
            | Form::Chosen { from, .. }
            | Form::Reference { from, .. }
            | Form::Owner { from } => vec![from],
        }
    }

    /// The classes that it leads to.
    #[must_use]
    pub fn refers_to(&self) -> &[String] {
        match &self.form {
            Form::Reference { refers_to, .. } => refers_to,
            _ => &[],
        }
    }
}
