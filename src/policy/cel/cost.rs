//! How many steps an evaluation takes at most.
//!
//! A step is what copying one value takes, some 50 ns. A value weighs one for itself, for each value in it, and for each
//! [`BYTES`] bytes of its texts. What stands in the request is weighed as it is; of what comes out of functions and loops
//! only bounds are known, by the weight of what goes in.
//!
//! A loop over a list of `n` entries of the weight `w` together is reckoned as `n` times its body for an entry that weighs
//! next to nothing, and once for an entry that weighs `w`. That is enough, because what a body takes grows by sums and
//! products only: spread over several entries, the same weight never takes more.

use std::sync::Arc;

use kube_cel::cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators,
};
use kube_cel::cel::objects::KeyRef;
use kube_cel::cel::{IdedExpr, Value};

use super::check::text;
use super::function::{Called, Growth};
use super::pattern::Pattern;
use super::variables::{Variables, weigh_text};

/// The steps that all conditions together may take on one request.
pub(in crate::policy) const BUDGET: u64 = 2_000_000;

/// How many bytes of a text weigh as much as a value.
pub(super) const BYTES: u64 = 32;

/// What a call costs beside what goes in and out.
const CALL: u64 = 8;

/// How often a call copies what goes in, or writes it down for an error.
const COPIES: u64 = 4;

/// How many bytes of a pattern's program are tried at each [`BYTES`] bytes in one step.
const PROGRAM: u64 = 32;

/// What is known of a value before there is one.
#[derive(Clone, Copy, Debug)]
enum Size<'v> {
    /// A part of the request.
    Known(&'v Value),
    /// At most so many entries, and at most such a weight.
    AtMost { entries: u64, weight: u64 },
}

/// A number, a boolean, `null`.
const SCALAR: Size<'static> = Size::AtMost {
    entries: 0,
    weight: 1,
};

/// Any value of a weight; each of its entries weighs one at least.
const fn any(weight: u64) -> Size<'static> {
    Size::AtMost {
        entries: weight,
        weight,
    }
}

/// The most steps that an evaluation takes.
pub(super) fn estimate(tree: &IdedExpr, patterns: &[Arc<Pattern>], variables: &Variables) -> u64 {
    let mut estimate = Estimate {
        variables,
        patterns,
        names: Vec::new(),
        steps: 0,
    };
    estimate.node(tree);
    estimate.steps
}

struct Estimate<'e> {
    variables: &'e Variables,
    patterns: &'e [Arc<Pattern>],
    /// The names that the loops around give to their entries.
    names: Vec<(&'e str, Size<'e>)>,
    steps: u64,
}

impl<'e> Estimate<'e> {
    fn take(&mut self, steps: u64) {
        self.steps = self.steps.saturating_add(steps);
    }

    fn weight(&self, size: Size<'_>) -> u64 {
        match size {
            Size::Known(value) => self.variables.weight(value),
            Size::AtMost { weight, .. } => weight,
        }
    }

    fn node(&mut self, node: &'e IdedExpr) -> Size<'e> {
        self.take(1);
        match &node.expr {
            Expr::Literal(LiteralValue::String(text)) => any(weigh_text(text.inner().len())),
            Expr::Literal(LiteralValue::Bytes(bytes)) => any(weigh_text(bytes.inner().len())),
            Expr::Literal(_) | Expr::Unspecified | Expr::Select(_) | Expr::Struct(_) => SCALAR,
            Expr::Ident(name) => self.name(name),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let weight = self.all(list.elements.iter()).saturating_add(1);
                self.take(weight);
                let entries = count(list.elements.len());
                Size::AtMost { entries, weight }
            }
            Expr::Map(map) => {
                let entries = map.entries.iter().filter_map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => Some([&entry.key, &entry.value]),
                    EntryExpr::StructField(_) => None,
                });
                let weight = self.all(entries.flatten()).saturating_add(1);
                self.take(weight);
                let entries = count(map.entries.len());
                Size::AtMost { entries, weight }
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    /// What nodes weigh together.
    fn all(&mut self, nodes: impl Iterator<Item = &'e IdedExpr>) -> u64 {
        nodes.fold(0, |weight: u64, node| {
            let size = self.node(node);
            weight.saturating_add(self.weight(size))
        })
    }

    fn name(&self, name: &str) -> Size<'e> {
        let named = self.names.iter().rev().find(|(known, _)| *known == name);
        match (named, self.variables.get(name)) {
            (Some((_, size)), _) => *size,
            (None, Some(value)) => Size::Known(value),
            (None, None) => SCALAR,
        }
    }

    fn call(&mut self, call: &'e CallExpr) -> Size<'e> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [condition, yes, no]) => {
                self.node(condition);
                let (yes, no) = (self.node(yes), self.node(no));
                Size::AtMost {
                    entries: entries_of(yes).max(entries_of(no)),
                    weight: self.weight(yes).max(self.weight(no)),
                }
            }
            (operators::INDEX, [operand, key]) => {
                let size = self.node(operand);
                self.node(key);
                self.entry(size, key)
            }
            (operators::OPT_INDEX, [operand, key]) => {
                let size = self.node(operand);
                self.node(key);
                let size = self.entry(size, key);
                // The entry is copied into an optional value, and out of it again.
                let weight = self.weight(size).saturating_add(1);
                self.take(weight.saturating_mul(2));
                any(weight)
            }
            (operators::ADD, [left, right]) => {
                let (left, right) = (self.node(left), self.node(right));
                let weight = self.weight(left).saturating_add(self.weight(right));
                self.take(weight);
                let entries = entries_of(left).saturating_add(entries_of(right));
                Size::AtMost { entries, weight }
            }
            (operators::IN, [key, container]) => {
                let (key, container) = (self.node(key), self.node(container));
                self.take(self.weight(key));
                // A key is looked up in an object of the request, without reading the rest.
                if !matches!(container, Size::Known(Value::Map(_))) {
                    self.take(self.weight(container).saturating_mul(2));
                }
                SCALAR
            }
            (name, arguments) if is_operator(name) => {
                let weight = self.all(arguments.iter());
                self.take(weight);
                SCALAR
            }
            _ => self.function(call),
        }
    }

    /// What an index or a field gives.
    fn entry(&mut self, size: Size<'e>, key: &'e IdedExpr) -> Size<'e> {
        match (size, text(key), &key.expr) {
            (Size::Known(Value::Map(map)), Some(key), _) => {
                map.get(&KeyRef::String(key)).map_or(SCALAR, Size::Known)
            }
            (Size::Known(Value::List(list)), _, Expr::Literal(LiteralValue::Int(index))) => {
                let index = usize::try_from(*index.inner()).ok();
                let entry = index.and_then(|index| list.get(index));
                entry.map_or(SCALAR, Size::Known)
            }
            (Size::Known(_), ..) => any(self.weight(size)),
            // What is left of a value that nobody else holds is thrown away.
            (Size::AtMost { weight, .. }, ..) => {
                self.take(weight);
                any(weight)
            }
        }
    }

    fn function(&mut self, call: &'e CallExpr) -> Size<'e> {
        let called = Called::of(call);
        let target = called.receiver.map(|target| self.node(target));
        let arguments: Vec<Size<'e>> = call.args.iter().map(|node| self.node(node)).collect();
        let received = target.map_or(0, |target| self.weight(target));
        let weight = received
            .saturating_add(self.together(&arguments))
            .saturating_add(1);
        self.take(CALL.saturating_add(weight.saturating_mul(COPIES)));

        let growth = called
            .find()
            .map_or(Growth::Same, |function| function.growth);
        match growth {
            Growth::Fixed => any(4),
            Growth::Same => any(weight),
            Growth::Pieces => self.pieces(weight),
            Growth::Pattern => {
                self.take(self.tried(call, weight));
                self.pieces(weight)
            }
            Growth::Replaced => {
                let result = self.replaced(call, target, &arguments, weight);
                self.take(result);
                any(result)
            }
            Growth::Joined => {
                let entries = target.map_or(0, |target| entries_of(target));
                let separators = self.together(&arguments);
                let result = weight.saturating_add(entries.saturating_mul(separators));
                // Numbers are longer in digits than in memory, and so are texts whose characters are written as codes.
                let result = result.saturating_mul(16);
                self.take(result);
                any(result)
            }
            Growth::Pairs => {
                let others = arguments.iter().map(|size| self.weight(*size));
                let pairs = match target {
                    Some(target) => {
                        let others = self.together(&arguments);
                        self.weight(target).saturating_mul(others)
                    }
                    None => others.fold(1, u64::saturating_mul),
                };
                self.take(pairs.saturating_mul(COPIES));
                any(4)
            }
            Growth::Distinct => {
                self.take(weight.saturating_mul(weight));
                any(weight)
            }
        }
    }

    /// What values weigh together.
    fn together(&self, sizes: &[Size<'_>]) -> u64 {
        let weights = sizes.iter().map(|size| self.weight(*size));
        weights.fold(0, u64::saturating_add)
    }

    /// What a text falls into at worst: each character a text of its own.
    fn pieces(&mut self, weight: u64) -> Size<'e> {
        let entries = weight.saturating_mul(BYTES);
        let weight = entries.saturating_add(weight);
        self.take(weight);
        Size::AtMost { entries, weight }
    }

    /// How long a pattern is tried.
    fn tried(&self, call: &CallExpr, weight: u64) -> u64 {
        let index = match call.args.first().map(|argument| &argument.expr) {
            Some(Expr::Ident(name)) => name.strip_prefix("@pattern"),
            _ => None,
        };
        let index = index.and_then(|index| index.parse::<usize>().ok());
        let size = index
            .and_then(|index| self.patterns.get(index))
            .map_or(u64::MAX, |pattern| pattern.size);
        weight.saturating_mul(1 + size / PROGRAM)
    }

    /// How long a text becomes when something is put in.
    fn replaced(
        &self,
        call: &CallExpr,
        target: Option<Size<'_>>,
        arguments: &[Size<'_>],
        weight: u64,
    ) -> u64 {
        let target = target.map_or(weight, |target| self.weight(target));
        if let [from, to, ..] = call.args.as_slice()
            && let (Some(from), Some(to)) = (text(from), text(to))
            && !from.is_empty()
        {
            let times = count(to.len().div_ceil(from.len()).max(1));
            return target.saturating_mul(times).saturating_add(1);
        }
        let put_in = arguments.get(1).map_or(weight, |size| self.weight(*size));
        let places = target.saturating_mul(BYTES);
        target.saturating_add(places.saturating_mul(put_in))
    }

    fn comprehension(&mut self, comprehension: &'e ComprehensionExpr) -> Size<'e> {
        let range = self.node(&comprehension.iter_range);
        let entries = entries_of(range);
        let weight = self.weight(range);
        // Each entry is copied once, and the loop has some work of its own at each turn.
        self.take(weight.saturating_add(entries.saturating_mul(CALL)));
        if entries == 0 {
            return SCALAR;
        }
        let is_list = matches!(&comprehension.accu_init.expr, Expr::List(_));
        let name = comprehension.iter_var.as_str();
        let before = self.steps;
        let light = self.body(name, SCALAR, comprehension, is_list);
        let once = self.steps.saturating_sub(before);
        self.take(once.saturating_mul(entries));
        let heavy = self.body(name, any(weight), comprehension, is_list);
        if !is_list {
            return SCALAR;
        }
        let weight = light.saturating_mul(entries).saturating_add(heavy);
        // The interpreter copies the list made so far, at each turn, up to three times.
        self.take(weight.saturating_mul(entries).saturating_mul(2));
        Size::AtMost { entries, weight }
    }

    /// The body of a loop for one entry; gives the weight of what is added to the list that the loop makes.
    fn body(
        &mut self,
        name: &'e str,
        entry: Size<'e>,
        comprehension: &'e ComprehensionExpr,
        is_list: bool,
    ) -> u64 {
        self.names.push((name, entry));
        let step = self.step(&comprehension.loop_step, is_list);
        self.names.pop();
        step
    }

    /// `@result + [x]`, perhaps within a conditional, or a boolean.
    fn step(&mut self, step: &'e IdedExpr, is_list: bool) -> u64 {
        let Expr::Call(call) = &step.expr else {
            let size = self.node(step);
            return self.weight(size);
        };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::ADD, [_, added]) if is_list => {
                let size = self.node(added);
                self.weight(size)
            }
            (operators::CONDITIONAL, [condition, added, _]) if is_list => {
                self.node(condition);
                self.step(added, is_list)
            }
            _ => {
                let size = self.node(step);
                self.weight(size)
            }
        }
    }
}

/// How often a loop over a value turns.
fn entries_of(size: Size<'_>) -> u64 {
    match size {
        Size::Known(Value::List(list)) => count(list.len()),
        Size::Known(Value::Map(map)) => count(map.map.len()),
        Size::Known(_) => 0,
        Size::AtMost { entries, .. } => entries,
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Whether the interpreter has a step of its own for it.
fn is_operator(name: &str) -> bool {
    name.starts_with(['_', '!', '-']) || name == operators::NOT_STRICTLY_FALSE
}
