//! The walk over the tree that refuses what can't be known or can't be bounded.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, operators,
};

use crate::document::suggest;

use super::Fault;
use super::function::{self, Call, Called, FUNCTIONS, Function, Gives, LOOPS};
use super::pattern::Pattern;
use super::scan::Word;

/// What an expression may speak of.
pub(super) const VARIABLES: [&str; 3] = ["object", "oldObject", "request"];

/// How many loops may stand in one another.
const MAX_LOOPS: usize = 2;

/// What `request` holds, as Kubernetes declares it for `matchConditions`
/// (`k8s.io/apiserver/pkg/admission/plugin/cel/compile.go`, `BuildRequestType`).
const REQUEST_FIELDS: &[(&str, &[&str])] = &[
    (
        "request",
        &[
            "kind",
            "resource",
            "subResource",
            "requestKind",
            "requestResource",
            "requestSubResource",
            "name",
            "namespace",
            "operation",
            "userInfo",
            "dryRun",
            "options",
        ],
    ),
    ("request.kind", KIND_FIELDS),
    ("request.requestKind", KIND_FIELDS),
    ("request.resource", RESOURCE_FIELDS),
    ("request.requestResource", RESOURCE_FIELDS),
    ("request.userInfo", &["username", "uid", "groups", "extra"]),
];

const KIND_FIELDS: &[&str] = &["group", "version", "kind"];
const RESOURCE_FIELDS: &[&str] = &["group", "version", "resource"];

/// What Kubernetes knows elsewhere, and what to write for it here.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "namespaceObject",
        "select namespaces by match.namespaceSelector",
    ),
    (
        "authorizer",
        "name users and groups by request.userInfo, or in exemptions",
    ),
    ("params", "write the value into the expression"),
    ("variables", "write the expression out"),
    ("self", "write object"),
    ("oldSelf", "write oldObject"),
];

/// Holds that an expression speaks of what there is, and that it can give a boolean.
pub(super) fn check(
    expression: &str,
    words: &[Word<'_>],
    tree: &IdedExpr,
) -> Result<(), Vec<Fault>> {
    let mut check = Check {
        expression,
        words,
        next: 0,
        names: Vec::new(),
        loops: 0,
        faults: Vec::new(),
    };
    check.walk(tree);
    if check.faults.is_empty()
        && let Gives::Other(found) = gives(tree)
    {
        let message = format!("the expression gives {found} and not a boolean");
        let help = "compare it with something, for example … == 1";
        check.faults.push(Fault::at(expression, 0, message, help));
    }
    if check.faults.is_empty() {
        return Ok(());
    }
    Err(check.faults)
}

struct Check<'e> {
    expression: &'e str,
    words: &'e [Word<'e>],
    /// The word after the last name that was met: the tree is walked in the order of the words.
    next: usize,
    /// The names that the loops around give to their entries.
    names: Vec<&'e str>,
    loops: usize,
    faults: Vec<Fault>,
}

impl<'e> Check<'e> {
    /// Where a name stands that comes next.
    fn meet(&mut self, name: &str) -> usize {
        let found = |from: usize| {
            let mut words = self.words.iter().enumerate().skip(from);
            words.find(|(_, word)| word.is_name(name))
        };
        let Some((index, word)) = found(self.next).or_else(|| found(0)) else {
            return 0;
        };
        self.next = index + 1;
        word.at
    }

    fn fault(&mut self, at: usize, message: impl Into<String>, help: impl Into<String>) {
        self.faults
            .push(Fault::at(self.expression, at, message, help));
    }

    fn walk(&mut self, node: &'e IdedExpr) {
        match &node.expr {
            Expr::Literal(_) | Expr::Unspecified => {}
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                for element in &list.elements {
                    self.walk(element);
                }
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.walk(&entry.key);
                        self.walk(&entry.value);
                    }
                }
            }
            Expr::Struct(object) => {
                let at = self.meet(&object.type_name);
                let message = format!("`{}` is not a type that can be made", object.type_name);
                self.fault(at, message, "write an object as {'key': value}");
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn variable(&mut self, name: &'e str) {
        // The parser's own names begin so, and no name that can be written does.
        if name.starts_with('@') {
            return;
        }
        let at = self.meet(name);
        if VARIABLES.contains(&name) || self.names.contains(&name) {
            return;
        }
        let known: Vec<&str> = VARIABLES.iter().chain(&self.names).copied().collect();
        let elsewhere = ELSEWHERE.iter().find(|(other, _)| *other == name);
        let help = match elsewhere {
            Some((_, instead)) => format!("{instead}; known here: {}", known.join(", ")),
            None => suggest(name, &known),
        };
        self.fault(at, format!("unknown variable `{name}`"), help);
    }

    fn select(&mut self, select: &'e SelectExpr) {
        self.walk(&select.operand);
        let at = self.meet(&select.field);
        self.request_field(&select.operand, &select.field, at);
    }

    /// Holds that a field of `request` is one that there is.
    fn request_field(&mut self, operand: &IdedExpr, field: &str, at: usize) {
        let Some(path) = path(operand) else { return };
        let fields = REQUEST_FIELDS.iter().find(|(owner, _)| *owner == path);
        if let Some((_, fields)) = fields
            && !fields.contains(&field)
        {
            let help = match (path.as_str(), field) {
                ("request", "object" | "oldObject") => {
                    format!("write {field} without `request.` before it")
                }
                _ => suggest(field, fields),
            };
            self.fault(at, format!("`{path}` has no field `{field}`"), help);
        }
    }

    fn call(&mut self, call: &'e CallExpr) {
        if call.func_name.starts_with(['_', '@', '!', '-']) {
            for argument in &call.args {
                self.walk(argument);
            }
            return;
        }
        let called = Called::of(call);
        if let Some(family) = called.family {
            self.meet(family);
        }
        if let Some(receiver) = called.receiver {
            self.walk(receiver);
        }
        let at = self.meet(&call.func_name);
        let is_sound = self.function(&called, call.args.len(), at);
        // What stands in a loop that is none speaks of a name that nobody gives.
        if !LOOPS.contains(&called.name.as_str()) {
            for argument in &call.args {
                self.walk(argument);
            }
        }
        if is_sound {
            self.text_arguments(&called.name, call, at);
        }
    }

    /// Holds that there is such a function, and that it is called as it can be.
    fn function(&mut self, called: &Called<'_>, arguments: usize, at: usize) -> bool {
        let name = called.name.as_str();
        // The parser takes these for functions only where they are not written as they must be.
        if name == operators::HAS {
            let help = "write has(object.spec.field)";
            self.fault(at, "`has` takes one field", help);
            return false;
        }
        if LOOPS.contains(&name) {
            let message = format!("`{name}` takes a name and a condition");
            self.fault(
                at,
                message,
                format!("write list.{name}(x, x.field == 'value')"),
            );
            return false;
        }
        let Some(function) = called.find() else {
            self.fault(at, format!("unknown function `{name}`"), near(name));
            return false;
        };
        let fault = misuse(function, called.receiver.is_some(), arguments);
        if let Some((message, help)) = &fault {
            self.fault(at, message, help);
        }
        fault.is_none()
    }

    /// Holds that what decides over time and room stands in the expression, and not in the request.
    fn text_arguments(&mut self, name: &str, call: &CallExpr, at: usize) {
        match name {
            "matches" | "find" | "findAll" => {
                let Some(pattern) = call.args.first().and_then(text) else {
                    let message = format!("the pattern of `{name}` is not a text");
                    let help = "write the pattern itself, as in x.matches('^web-[0-9]+$')";
                    self.fault(at, message, help);
                    return;
                };
                if let Err((message, help)) = Pattern::compile(pattern) {
                    self.fault(at, message, help);
                }
            }
            "format" => match call.target.as_deref().and_then(text) {
                Some(format) if is_sound_format(format) => {}
                Some(_) => {
                    let message = "the format asks for more than 99 decimal places";
                    self.fault(at, message, "write %.2f or the like");
                }
                None => {
                    let help = "write the format itself, as in '%s/%s'.format([a, b])";
                    self.fault(at, "the format is not a text", help);
                }
            },
            _ => {}
        }
    }

    fn comprehension(&mut self, comprehension: &'e ComprehensionExpr) {
        self.walk(&comprehension.iter_range);
        let name = comprehension.iter_var.as_str();
        let at = self.meet(name);
        if VARIABLES.contains(&name) || function::is_family(name) {
            let message = format!("`{name}` has a meaning already");
            self.fault(at, message, "give the entries of the loop another name");
        }
        self.loops += 1;
        if self.loops > MAX_LOOPS {
            let message = format!("more than {MAX_LOOPS} loops stand in one another");
            let help = "a loop in a loop is the most that can be bounded: take one out, or use `in`, sets.contains, join";
            self.fault(at, message, help);
        }
        self.names.push(name);
        match entry_kept(comprehension) {
            // The parser puts the entry's name into the tree a second time.
            Some(condition) => self.walk(condition),
            None => self.walk(&comprehension.loop_step),
        }
        self.names.pop();
        self.loops -= 1;
    }
}

/// The condition of `filter`, if that is what the loop is.
fn entry_kept(comprehension: &ComprehensionExpr) -> Option<&IdedExpr> {
    let Expr::Call(step) = &comprehension.loop_step.expr else {
        return None;
    };
    let [condition, taken, _] = step.args.as_slice() else {
        return None;
    };
    let Expr::Call(taken) = &taken.expr else {
        return None;
    };
    let Some(Expr::List(list)) = taken.args.get(1).map(|list| &list.expr) else {
        return None;
    };
    let kept = list.elements.first().map(|element| &element.expr);
    matches!(kept, Some(Expr::Ident(name)) if *name == comprehension.iter_var).then_some(condition)
}

/// The path of a field, as in `request.userInfo`.
fn path(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            path(&select.operand).map(|owner| format!("{owner}.{}", select.field))
        }
        _ => None,
    }
}

/// The text that a node is.
pub(super) fn text(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

/// Whether no verb of a format asks for more than two digits of decimal places.
fn is_sound_format(format: &str) -> bool {
    format.split("%.").skip(1).all(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit());
        digits.unwrap_or(rest.len()) <= 2
    })
}

/// What is wrong with how a function is called, and how to call it.
fn misuse(function: &Function, is_method: bool, arguments: usize) -> Option<(String, String)> {
    let name = function.name;
    let written = match function.call {
        Call::Plain => format!("{name}(…)"),
        Call::Method | Call::Both => format!("value.{name}(…)"),
    };
    let misplaced = match function.call {
        Call::Plain => is_method,
        Call::Method => !is_method,
        Call::Both => false,
    };
    if misplaced {
        let message = format!("`{name}` is not called so");
        return Some((message, format!("write {written}")));
    }
    // `size(x)` takes as its argument what `x.size()` is called on.
    let receiver = usize::from(function.call == Call::Both && !is_method);
    let (least, most) = function.arguments;
    let (least, most) = (least + receiver, most + receiver);
    if (least..=most).contains(&arguments) {
        return None;
    }
    let wanted = match (least, most) {
        (0, 0) => "no arguments".to_owned(),
        (1, 1) => "one argument".to_owned(),
        (least, most) if least == most => format!("{least} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    };
    let message = format!("`{name}` takes {wanted}, found {arguments}");
    Some((message, format!("write {written} with {wanted}")))
}

/// "did you mean", for so many names that they are not all listed.
fn near(found: &str) -> String {
    let known: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    let families = "known are the functions of CEL and of Kubernetes: strings, lists, sets, math, quantity, url, ip, \
                    cidr, semver, format, base64, optional";
    match suggest(found, &known).split_once("? known here") {
        Some((near, _)) => format!("{near}? {families}"),
        None => families.to_owned(),
    }
}

/// What an expression gives, as far as it can be told.
fn gives(node: &IdedExpr) -> Gives {
    match &node.expr {
        Expr::Literal(literal) => match literal {
            LiteralValue::Boolean(_) => Gives::Bool,
            LiteralValue::Null => Gives::Other("null"),
            LiteralValue::String(_) => Gives::Other("a text"),
            LiteralValue::Bytes(_) => Gives::Other("bytes"),
            LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => {
                Gives::Other("a number")
            }
        },
        Expr::List(_) => Gives::Other("a list"),
        Expr::Map(_) | Expr::Struct(_) => Gives::Other("an object"),
        Expr::Ident(name) if VARIABLES.contains(&name.as_str()) => Gives::Other("an object"),
        Expr::Comprehension(comprehension) => match gives(&comprehension.accu_init) {
            Gives::Other("a list") => Gives::Other("a list"),
            _ => Gives::Bool,
        },
        Expr::Call(call) => call_gives(call),
        Expr::Select(select) if select.test => Gives::Bool,
        Expr::Ident(_) | Expr::Select(_) | Expr::Unspecified => Gives::Unknown,
    }
}

fn call_gives(call: &CallExpr) -> Gives {
    match call.func_name.as_str() {
        operators::CONDITIONAL => {
            let branches = call.args.iter().skip(1).map(gives);
            branches
                .reduce(|left, right| match (left, right) {
                    (Gives::Other(left), Gives::Other(_)) => Gives::Other(left),
                    _ => Gives::Unknown,
                })
                .unwrap_or(Gives::Unknown)
        }
        operators::ADD => match call.args.first().map(gives) {
            Some(Gives::Other(found)) => Gives::Other(found),
            _ => Gives::Other("a sum"),
        },
        operators::SUBSTRACT
        | operators::MULTIPLY
        | operators::DIVIDE
        | operators::MODULO
        | operators::NEGATE => Gives::Other("a number"),
        operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT => Gives::Unknown,
        name if name.starts_with(['_', '@', '!']) => Gives::Bool,
        _ => Called::of(call)
            .find()
            .map_or(Gives::Unknown, |function| function.gives),
    }
}
