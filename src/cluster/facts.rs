//! What a rule may know while it judges one request.

use std::cell::RefCell;

use super::{ClusterView, Coverage, Fact, Kind, Known};

/// One thing to be read from the live cluster before a decision rests on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Kind of the object.
    pub kind: Kind,
    /// Its namespace, `""` for a cluster-scoped kind.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What live reads brought: for each question the object, or that there is none, or that it could not be read.
#[derive(Clone, Debug, Default)]
pub struct Answers(Vec<(Question, Known<Option<Fact>>)>);

impl Answers {
    /// Adds an answer.
    pub fn add(&mut self, question: Question, answer: Known<Option<Fact>>) {
        self.0.push((question, answer));
    }

    fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Known<Option<Fact>>> {
        self.0.iter().find_map(|(question, answer)| {
            let same =
                question.kind == kind && question.namespace == namespace && question.name == name;
            same.then_some(answer)
        })
    }
}

/// The view of the cluster that one request is judged by, with the answers that were read live for it.
///
/// A rule that needs to be sure asks with [`Facts::confirmed`]. What can't be answered at once is noted, and the rule is
/// judged again when the answers are there.
#[derive(Debug)]
pub struct Facts<'c> {
    view: &'c ClusterView,
    answers: &'c Answers,
    questions: RefCell<Vec<Question>>,
}

impl<'c> Facts<'c> {
    /// The view of one request, with what was already read for it.
    pub const fn new(view: &'c ClusterView, answers: &'c Answers) -> Self {
        Self {
            view,
            answers,
            questions: RefCell::new(Vec::new()),
        }
    }

    /// The view, for what needs no confirmation.
    pub const fn view(&self) -> &'c ClusterView {
        self.view
    }

    /// An object, or the certainty that there is none: from files that hold everything, or read live for this request.
    ///
    /// `Unknown` until then, and where the live read failed; but what the view has is believed if it can't be asked.
    pub fn confirmed(&self, kind: Kind, namespace: &str, name: &str) -> Known<Option<&'c Fact>> {
        let seen = self.view.object(kind, namespace, name);
        if self.view.coverage(kind).is_final(namespace) {
            return seen;
        }
        match self.answers.get(kind, namespace, name) {
            Some(Known::Known(answer)) => Known::Known(answer.as_ref()),
            Some(Known::Unknown) => match seen {
                Known::Known(Some(fact)) => Known::Known(Some(fact)),
                _ => Known::Unknown,
            },
            None => {
                self.ask(kind, namespace, name);
                Known::Unknown
            }
        }
    }

    /// An object that the view has, else one read live. For what may be a moment old, such as the labels of a namespace.
    pub fn seen_or_confirmed(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Known<Option<&'c Fact>> {
        match self.view.object(kind, namespace, name) {
            Known::Known(Some(fact)) => Known::Known(Some(fact)),
            _ => self.confirmed(kind, namespace, name),
        }
    }

    /// Why a kind can't be listed, for messages.
    pub fn why_unknown(&self, kind: Kind) -> &'c str {
        match self.view.coverage(kind) {
            Coverage::Unknown(reason) => reason,
            Coverage::Pending => "not listed yet",
            _ => "the cluster could not be asked in time",
        }
    }

    fn ask(&self, kind: Kind, namespace: &str, name: &str) {
        let question = Question {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let mut questions = self.questions.borrow_mut();
        if !questions.contains(&question) {
            questions.push(question);
        }
    }

    /// What was asked and not answered.
    pub fn into_questions(self) -> Vec<Question> {
        self.questions.into_inner()
    }
}
