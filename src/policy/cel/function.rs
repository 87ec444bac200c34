//! The functions of an expression: what they take, what they give, and how what they give can grow.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{CallExpr, Expr};

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    /// `true` or `false`.
    Bool,
    /// Anything that is neither, as people call it.
    Other(&'static str),
    /// What it gives is told only when it is asked.
    Unknown,
}

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// `f(x)`
    Plain,
    /// `x.f()`
    Method,
    /// Either.
    Both,
}

/// How large a result can be, and how long it can take, by the sizes of what goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// A number, a boolean, or a text of a fixed length.
    Fixed,
    /// At most what goes in.
    Same,
    /// A list with an entry for every character at worst.
    Pieces,
    /// As [`Growth::Pieces`], with the pattern tried at every character.
    Pattern,
    /// What is put in for every match at worst.
    Replaced,
    /// A separator between all entries.
    Joined,
    /// Each entry of one compared with each of the other.
    Pairs,
    /// Each entry compared with each other.
    Distinct,
}

/// One function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    /// Its name, with the prefix of its family.
    pub(super) name: &'static str,
    /// How it is called.
    pub(super) call: Call,
    /// How many arguments it takes at least and at most, besides what it is called on.
    pub(super) arguments: (usize, usize),
    /// What it gives.
    pub(super) gives: Gives,
    /// How its result grows.
    pub(super) growth: Growth,
}

/// The macros that look at each entry of a list or each key of an object.
pub(super) const LOOPS: &[&str] = &["all", "exists", "exists_one", "existsOne", "map", "filter"];

/// Finds the function of a name that is called so, or else any of that name.
fn find(name: &str, method: bool) -> Option<&'static Function> {
    let mut named = FUNCTIONS.iter().filter(|function| function.name == name);
    let fits = |function: &&Function| match function.call {
        Call::Plain => !method,
        Call::Method => method,
        Call::Both => true,
    };
    named.clone().find(fits).or_else(|| named.next())
}

/// How a call is written: the functions of a family stand behind its name as methods stand behind a value.
#[derive(Debug)]
pub(super) struct Called<'e> {
    /// The name of the function, with that of its family.
    pub(super) name: String,
    /// The family, if it is of one.
    pub(super) family: Option<&'e str>,
    /// What it is called on as a method.
    pub(super) receiver: Option<&'e IdedExpr>,
}

impl<'e> Called<'e> {
    /// How this is called. What the compiler has put in the place of a function goes by the name of that.
    pub(super) fn of(call: &'e CallExpr) -> Self {
        let name = call.func_name.trim_start_matches('@');
        match call.target.as_deref() {
            Some(IdedExpr {
                expr: Expr::Ident(family),
                ..
            }) if is_family(family) => Self {
                name: format!("{family}.{name}"),
                family: Some(family),
                receiver: None,
            },
            receiver => Self {
                name: name.to_owned(),
                family: None,
                receiver,
            },
        }
    }

    /// The function, if there is such a one.
    pub(super) fn find(&self) -> Option<&'static Function> {
        find(&self.name, self.receiver.is_some())
    }
}

/// Whether a name begins the names of functions, as `math` does.
pub(super) fn is_family(name: &str) -> bool {
    FUNCTIONS.iter().any(|function| {
        function
            .name
            .split_once('.')
            .is_some_and(|(family, _)| family == name)
    })
}

macro_rules! functions {
    ($($call:ident $gives:ident $growth:ident: $($name:literal $least:literal $most:literal),*;)*) => {
        &[$($(Function {
            name: $name,
            call: Call::$call,
            arguments: ($least, $most),
            gives: functions!(@ $gives),
            growth: Growth::$growth,
        },)*)*]
    };
    (@ Bool) => { Gives::Bool };
    (@ Number) => { Gives::Other("a number") };
    (@ Text) => { Gives::Other("a text") };
    (@ List) => { Gives::Other("a list") };
    (@ Value) => { Gives::Other("a value of its own type") };
    (@ Unknown) => { Gives::Unknown };
}

/// Every function that there is: those of CEL and of Kubernetes (`k8s.io/apiserver/pkg/cel/library`), less what can't be
/// bounded (`lists.range`, `flatten` to a depth).
pub(super) const FUNCTIONS: &[Function] = functions! {
    Both Number Fixed: "size" 0 0;
    Plain Number Fixed: "int" 1 1, "uint" 1 1, "double" 1 1;
    Plain Text Same: "string" 1 1, "bytes" 1 1;
    Method Text Same: "string" 0 0;
    Plain Value Fixed: "duration" 1 1, "timestamp" 1 1;
    Method Number Fixed: "getFullYear" 0 0, "getMonth" 0 0, "getDayOfYear" 0 0, "getDayOfMonth" 0 0, "getDate" 0 0,
        "getDayOfWeek" 0 0, "getHours" 0 0, "getMinutes" 0 0, "getSeconds" 0 0, "getMilliseconds" 0 0;

    Method Bool Fixed: "startsWith" 1 1, "endsWith" 1 1;
    Method Bool Pairs: "contains" 1 1;
    Method Bool Pattern: "matches" 1 1;
    Method Text Pattern: "find" 1 1;
    Method List Pattern: "findAll" 1 2;
    Method Text Same: "charAt" 1 1, "lowerAscii" 0 0, "upperAscii" 0 0, "substring" 1 2, "trim" 0 0;
    Method Text Joined: "format" 1 1, "join" 0 1;
    Method Text Replaced: "replace" 2 3;
    Method List Pieces: "split" 1 2;
    Plain Text Pieces: "strings.quote" 1 1;
    Method Number Pairs: "indexOf" 1 2, "lastIndexOf" 1 2;
    Plain Text Same: "base64.encode" 1 1, "base64.decode" 1 1;
    Plain Text Pieces: "jsonpatch.escapeKey" 1 1;

    Method Bool Same: "isSorted" 0 0;
    Method Unknown Same: "sum" 0 0, "min" 0 0, "max" 0 0, "first" 0 0, "last" 0 0, "reverse" 0 0;
    Method List Same: "slice" 2 2, "flatten" 0 0;
    Method List Distinct: "sort" 0 0, "distinct" 0 0;
    Plain Bool Pairs: "sets.contains" 2 2, "sets.equivalent" 2 2, "sets.intersects" 2 2;

    Plain Number Fixed: "math.ceil" 1 1, "math.floor" 1 1, "math.round" 1 1, "math.trunc" 1 1, "math.abs" 1 1,
        "math.sign" 1 1, "math.sqrt" 1 1, "math.bitAnd" 2 2, "math.bitOr" 2 2, "math.bitXor" 2 2, "math.bitNot" 1 1,
        "math.bitShiftLeft" 2 2, "math.bitShiftRight" 2 2;
    Plain Number Same: "math.greatest" 1 16, "math.least" 1 16;
    Plain Bool Fixed: "math.isInf" 1 1, "math.isNaN" 1 1, "math.isFinite" 1 1;

    Plain Bool Fixed: "isQuantity" 1 1, "isSemver" 1 2, "isURL" 1 1, "isIP" 1 1, "isCIDR" 1 1, "ip.isCanonical" 1 1;
    Plain Value Same: "quantity" 1 1, "semver" 1 2, "url" 1 1, "ip" 1 1, "cidr" 1 1;
    Method Bool Fixed: "isGreaterThan" 1 1, "isLessThan" 1 1, "isInteger" 0 0;
    Method Number Fixed: "compareTo" 1 1, "asInteger" 0 0, "asApproximateFloat" 0 0, "sign" 0 0, "major" 0 0,
        "minor" 0 0, "patch" 0 0, "family" 0 0, "prefixLength" 0 0;
    Method Value Fixed: "add" 1 1, "sub" 1 1, "ip" 0 0, "masked" 0 0;
    Method Bool Fixed: "isLoopback" 0 0, "isUnspecified" 0 0, "isLinkLocalMulticast" 0 0, "isLinkLocalUnicast" 0 0,
        "isGlobalUnicast" 0 0, "containsIP" 1 1, "containsCIDR" 1 1;
    Method Text Same: "getScheme" 0 0, "getHost" 0 0, "getHostname" 0 0, "getPort" 0 0, "getEscapedPath" 0 0;
    Method Value Pieces: "getQuery" 0 0;

    Plain Value Fixed: "format.dns1123Label" 0 0, "format.dns1123Subdomain" 0 0, "format.dns1035Label" 0 0,
        "format.dns1035LabelPrefix" 0 0, "format.dns1123LabelPrefix" 0 0, "format.dns1123SubdomainPrefix" 0 0,
        "format.qualifiedName" 0 0, "format.labelValue" 0 0, "format.uri" 0 0, "format.uuid" 0 0, "format.byte" 0 0,
        "format.date" 0 0, "format.datetime" 0 0, "format.named" 1 1;
    Method Value Pieces: "validate" 1 1;

    Plain Value Same: "optional.none" 0 0, "optional.of" 1 1, "optional.ofNonZeroValue" 1 1;
    Method Bool Fixed: "hasValue" 0 0;
    Method Unknown Same: "value" 0 0, "orValue" 1 1;
    Method Value Same: "or" 1 1;
};
