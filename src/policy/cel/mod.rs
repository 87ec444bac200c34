//! Conditions in CEL, read so that evaluating them is bounded.
//!
//! `cel` has no step limit and would take any function for a known one until it is called. What stands between an
//! administrator's expression and the server is here, in this order:
//!
//! 1. [`scan`] reads the words: how deep the parser will descend is known before it starts.
//! 2. [`check`] walks over the tree: names, functions, arguments, loops, patterns, and whether a boolean can come out.
//! 3. [`rewrite`] puts sound and cheap steps in the place of some of the interpreter's own.
//! 4. [`cost`] reckons, with the sizes of the request at hand, how many steps an evaluation takes at most. One that would
//!    take more than is left is not begun. There is no clock in it: the same request is always answered alike.
//! 5. A panic in the interpreter is an error like any other.
mod check;
mod cost;
mod function;
mod library;
mod pattern;
mod rewrite;
mod scan;
#[cfg(test)]
mod tests;
mod variables;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kube_cel::cel::parser::Parser;
use kube_cel::cel::{ExecutionError, IdedExpr, Value};

use pattern::Pattern;

pub(super) use variables::Variables;

/// The longest expression, in bytes.
const MAX_BYTES: usize = 4096;

/// How much of an error of the interpreter is told, in characters.
const MAX_REASON: usize = 200;

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Line within the expression, from 1.
    pub(super) line: usize,
    /// Column within the line in characters, from 1.
    pub(super) column: usize,
    /// What was found.
    pub(super) message: String,
    /// What to write instead.
    pub(super) help: String,
}

impl Fault {
    /// A fault at a byte of an expression.
    fn at(
        expression: &str,
        at: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let before = expression.get(..at).unwrap_or(expression);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            message: message.into(),
            help: help.into(),
        }
    }
}

/// A compiled expression that gives a boolean.
#[derive(Debug)]
pub(super) struct Program {
    tree: IdedExpr,
    patterns: Vec<Arc<Pattern>>,
}

impl Program {
    /// Compiles an expression.
    ///
    /// # Errors
    /// All that is wrong with it: one fault where it can't be parsed at all.
    pub(super) fn compile(expression: &str) -> Result<Self, Vec<Fault>> {
        if expression.len() > MAX_BYTES {
            let message = format!(
                "the expression has {} bytes; the longest has {MAX_BYTES}",
                expression.len()
            );
            let help = "split it into several conditions: all of them must be true";
            return Err(vec![Fault::at(expression, 0, message, help)]);
        }
        let words = scan::words(expression).map_err(|fault| vec![fault])?;
        let tree = parse(expression)?;
        check::check(expression, &words, &tree)?;
        let (tree, patterns) = rewrite::rewrite(tree);
        Ok(Self { tree, patterns })
    }

    /// The most steps that an evaluation takes; see [`cost`].
    fn estimate(&self, variables: &Variables) -> u64 {
        cost::estimate(&self.tree, &self.patterns, variables)
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    /// Why it gives no boolean, in the words of people, without the values of the request.
    pub(super) fn evaluate(&self, variables: &Variables) -> Result<bool, String> {
        variables.spend(self.estimate(variables))?;
        let mut context = variables.context().new_inner_scope();
        for (index, pattern) in self.patterns.iter().enumerate() {
            let pattern = Value::Opaque(pattern.clone());
            context.add_variable_from_value(rewrite::pattern_name(index), pattern);
        }
        let evaluate = AssertUnwindSafe(|| Value::resolve(&self.tree, &context));
        match catch_unwind(evaluate) {
            Ok(Ok(Value::Bool(value))) => Ok(value),
            Ok(Ok(other)) => Err(format!("it gives {} and not a boolean", describe(&other))),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_) => Err("the interpreter failed".to_owned()),
        }
    }
}

/// Parses an expression that is known not to be too deep.
fn parse(expression: &str) -> Result<IdedExpr, Vec<Fault>> {
    let help = "write a CEL expression, for example request.userInfo.username != 'installer'";
    let parser = Parser::new().enable_optional_syntax(true);
    let parsed = catch_unwind(AssertUnwindSafe(|| parser.parse(expression)));
    let Ok(parsed) = parsed else {
        let message = "not CEL: the parser gives up";
        return Err(vec![Fault::at(expression, 0, message, help)]);
    };
    parsed.map_err(|errors| {
        let first = errors.errors.first();
        let (line, column) = first.map_or((1, 1), |error| error.pos);
        let message = first.map_or("", |error| error.msg.as_str());
        let message = message.trim_start_matches("Syntax error: ");
        let number = |number: isize| usize::try_from(number).unwrap_or(1).max(1);
        vec![Fault {
            line: number(line),
            column: number(column),
            message: format!("not CEL: {}", shorten(message)),
            help: help.to_owned(),
        }]
    })
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => "a number",
        Value::String(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "an object",
        _ => "a value of its own type",
    }
}

/// What an error of the interpreter means. Its own words hold whole values, megabytes at worst and perhaps secret.
fn reason(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {}", shorten(key)),
        ExecutionError::IndexOutOfBounds(_) => "an index is out of bounds".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "a division by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number is too large".to_owned(),
        ExecutionError::FunctionError { function, .. } => {
            format!("function {function} can't do with what it is given")
        }
        ExecutionError::UndeclaredReference(name) => {
            format!("undeclared reference to {}", shorten(name))
        }
        _ => "an operator or a function does not go with the type of what it is given".to_owned(),
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_REASON).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
