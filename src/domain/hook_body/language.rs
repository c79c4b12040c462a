//! What a template may be made of.

use minijinja::{
    Error,
    machinery::{Token, tokenize},
    syntax::SyntaxConfig,
};

use super::{HookBodyError, MAX_TEMPLATE_BYTES};

/// The statements that a template may have.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// A line with nothing but a statement leaves no blank line.
pub(super) fn syntax() -> Result<SyntaxConfig, HookBodyError> {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .map_err(|error| HookBodyError::of_engine(&error))
}

/// Refuses what could make a text or a list longer than it is (operators, lists, captured texts), and
/// what could go round (recursive loops, macros).
pub(super) fn check(source: &str) -> Result<(), HookBodyError> {
    if source.len() > MAX_TEMPLATE_BYTES {
        return Err(HookBodyError(format!(
            "the template has {} bytes, and may have {MAX_TEMPLATE_BYTES}",
            source.len()
        )));
    }
    let mut begins = false;
    for token in tokenize(source, false, syntax()?) {
        let (token, span) = token.map_err(|error: Error| HookBodyError::of_engine(&error))?;
        let refused = match &token {
            Token::Ident(name) if begins && !STATEMENTS.contains(name) => {
                Some(format!("the statement '{name}'"))
            }
            Token::Ident("recursive") => Some("'recursive'".to_owned()),
            Token::Ident(_)
            | Token::TemplateData(_)
            | Token::VariableStart
            | Token::VariableEnd
            | Token::BlockStart
            | Token::BlockEnd
            | Token::Str(_)
            | Token::String(_)
            | Token::Int(_)
            | Token::Float(_)
            | Token::Minus
            | Token::Dot
            | Token::Pipe
            | Token::Eq
            | Token::Ne
            | Token::Gt
            | Token::Gte
            | Token::Lt
            | Token::Lte
            | Token::ParenOpen
            | Token::ParenClose => None,
            other => Some(other.to_string()),
        };
        if let Some(refused) = refused {
            return Err(HookBodyError(format!(
                "line {}: {refused} is not for hooks: their templates have variables, filters, if and \
                 for, and texts stand side by side",
                span.start_line
            )));
        }
        begins = matches!(token, Token::BlockStart);
    }
    Ok(())
}
