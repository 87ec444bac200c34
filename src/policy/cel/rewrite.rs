//! Sound and cheap steps in the place of some of the interpreter's own.

use std::sync::Arc;

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{
    CallExpr, EntryExpr, Expr, ListExpr, LiteralValue, MapExpr, operators,
};

use super::check::text;
use super::library::SOUND_QUANTITY;
use super::pattern::Pattern;

/// The name under which an expression's patterns are known; it can't be written.
pub(super) fn pattern_name(index: usize) -> String {
    format!("@pattern{index}")
}

/// Rewrites a checked tree, and hands out the patterns that it then speaks of.
///
/// - `a.b` becomes `a["b"]`: the interpreter takes a field of what is no object for `false` (so that `!object.x` would be
///   true of a deletion), and copies what it selects.
/// - `has(a.b)` becomes `"b" in a`, which does not take a field of what is no object for missing.
/// - `a.?b` becomes `a[?"b"]`: the interpreter takes a missing field for an error there.
/// - Patterns are compiled once.
/// - `quantity(x)` looks first whether `x` can be reckoned with.
pub(super) fn rewrite(tree: IdedExpr) -> (IdedExpr, Vec<Arc<Pattern>>) {
    let mut rewriter = Rewriter {
        patterns: Vec::new(),
    };
    let tree = rewriter.node(tree);
    (tree, rewriter.patterns)
}

struct Rewriter {
    patterns: Vec<Arc<Pattern>>,
}

impl Rewriter {
    fn node(&mut self, node: IdedExpr) -> IdedExpr {
        let IdedExpr { id, expr } = node;
        let expr = match expr {
            Expr::Select(select) => {
                let operand = self.node(*select.operand);
                let field = literal(id, &select.field);
                if select.test {
                    call(operators::IN, vec![field, operand])
                } else {
                    call(operators::INDEX, vec![operand, field])
                }
            }
            Expr::Call(call) => self.call(id, call),
            Expr::List(list) => Expr::List(ListExpr {
                elements: self.nodes(list.elements),
                optional_indices: list.optional_indices,
            }),
            Expr::Map(map) => Expr::Map(self.map(map)),
            Expr::Comprehension(mut comprehension) => {
                comprehension.iter_range = self.node(comprehension.iter_range);
                comprehension.loop_step = self.node(comprehension.loop_step);
                Expr::Comprehension(comprehension)
            }
            other => other,
        };
        IdedExpr { id, expr }
    }

    fn nodes(&mut self, nodes: Vec<IdedExpr>) -> Vec<IdedExpr> {
        nodes.into_iter().map(|node| self.node(node)).collect()
    }

    fn map(&mut self, mut map: MapExpr) -> MapExpr {
        for entry in &mut map.entries {
            if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                entry.key = self.node(std::mem::take(&mut entry.key));
                entry.value = self.node(std::mem::take(&mut entry.value));
            }
        }
        map
    }

    fn call(&mut self, id: u64, mut original: CallExpr) -> Expr {
        original.target = original.target.map(|target| Box::new(self.node(*target)));
        original.args = self.nodes(original.args);
        match original.func_name.as_str() {
            operators::OPT_SELECT => operators::OPT_INDEX.clone_into(&mut original.func_name),
            "matches" | "find" | "findAll" => {
                let pattern = original.args.first().and_then(text).map(Pattern::compile);
                if let (Some(Ok(pattern)), Some(first)) = (pattern, original.args.first_mut()) {
                    first.expr = Expr::Ident(pattern_name(self.patterns.len()));
                    self.patterns.push(Arc::new(pattern));
                    original.func_name.insert(0, '@');
                }
            }
            "quantity" => {
                let arguments = std::mem::take(&mut original.args);
                let checked = arguments.into_iter().map(|argument| IdedExpr {
                    id,
                    expr: call(SOUND_QUANTITY, vec![argument]),
                });
                original.args = checked.collect();
            }
            _ => {}
        }
        Expr::Call(original)
    }
}

fn call(name: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr {
        func_name: name.to_owned(),
        target: None,
        args,
    })
}

fn literal(id: u64, text: &str) -> IdedExpr {
    IdedExpr {
        id,
        expr: Expr::Literal(LiteralValue::String(text.into())),
    }
}
