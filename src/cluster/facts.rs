//! What a rule may know while it judges one request.

use std::cell::RefCell;

use super::{Access, ClusterView, Coverage, Fact, Kind, Known};

/// One thing to be asked of the live cluster before a decision rests on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// Which object is there.
    Object {
        /// Kind of the object.
        kind: Kind,
        /// Its namespace, `""` for a cluster-scoped kind.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Whether somebody may do something.
    Access(Access),
}

/// What the live cluster says to a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The object, or that there is none.
    Object(Option<Fact>),
    /// Whether it is allowed.
    Access(bool),
}

/// What was asked live: for each question the answer, or that there was none in time.
#[derive(Clone, Debug, Default)]
pub struct Answers(Vec<(Question, Known<Answer>)>);

impl Answers {
    /// Adds an answer.
    pub fn add(&mut self, question: Question, answer: Known<Answer>) {
        self.0.push((question, answer));
    }

    fn object(&self, kind: Kind, namespace: &str, name: &str) -> Option<Known<Option<&Fact>>> {
        self.0.iter().find_map(|(question, answer)| match question {
            Question::Object {
                kind: k,
                namespace: ns,
                name: n,
            } if *k == kind && ns == namespace && n == name => Some(match answer {
                Known::Known(Answer::Object(object)) => Known::Known(object.as_ref()),
                _ => Known::Unknown,
            }),
            _ => None,
        })
    }

    fn access(&self, access: &Access) -> Option<Known<bool>> {
        self.0.iter().find_map(|(question, answer)| match question {
            Question::Access(asked) if asked == access => Some(match answer {
                Known::Known(Answer::Access(allowed)) => Known::Known(*allowed),
                _ => Known::Unknown,
            }),
            _ => None,
        })
    }
}

/// The view of the cluster that one request is judged by, with the answers that were read live for it.
///
/// A rule that needs to be sure asks with [`Facts::confirmed`] and [`Facts::allowed`]. What can't be answered at once is noted, and the rule is
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
        match self.current(kind, namespace, name) {
            Known::Unknown if self.answers.object(kind, namespace, name).is_some() => {
                match self.view.object(kind, namespace, name) {
                    Known::Known(Some(fact)) => Known::Known(Some(fact)),
                    _ => Known::Unknown,
                }
            }
            current => current,
        }
    }

    /// An object as it is now, or the certainty that there is none. Where a fault of the object is to be told: what the
    /// view has may have changed since, so it is not believed if it can't be asked.
    pub fn current(&self, kind: Kind, namespace: &str, name: &str) -> Known<Option<&'c Fact>> {
        if self.view.coverage(kind).is_final(namespace) {
            return self.view.object(kind, namespace, name);
        }
        let answer = self.answers.object(kind, namespace, name);
        answer.unwrap_or_else(|| {
            self.ask(Question::Object {
                kind,
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            });
            Known::Unknown
        })
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

    /// Whether somebody may do something, asked live for this request. `Unknown` until then, where the question could not
    /// be answered, and always where the cluster comes from files: those say nothing about rights, so ask
    /// [`ClusterView::is_live`] first where "can't be told" and "could not be asked" differ.
    pub fn allowed(&self, access: Access) -> Known<bool> {
        if !self.view.is_live() {
            return Known::Unknown;
        }
        self.answers.access(&access).unwrap_or_else(|| {
            self.ask(Question::Access(access));
            Known::Unknown
        })
    }

    /// That a kind can't be read, and why, for messages.
    pub fn unreadable(&self, kind: Kind) -> String {
        let why = self.why_unknown(kind);
        format!("{} can't be read: {why}", kind.info().kind)
    }

    /// Why a kind can't be listed, for messages.
    pub fn why_unknown(&self, kind: Kind) -> &'c str {
        match self.view.coverage(kind) {
            Coverage::Unknown(reason) => reason,
            Coverage::Pending => "not listed yet",
            _ => "the cluster could not be asked in time",
        }
    }

    fn ask(&self, question: Question) {
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
