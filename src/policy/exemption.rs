//! Break glass: who is let through, why, and until when.

use jiff::civil::Date;

use crate::admission::UserInfo;
use crate::document::{Decode, Decoder, Field, Fields, Globs, Node, Place, Shape};

/// One of `spec.exemptions`.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// Why; required.
    pub reason: String,
    /// Whom to ask.
    pub owner: Option<String>,
    /// The last day on which it holds, in UTC.
    pub expires: Option<Date>,
    /// User names.
    pub users: Option<Globs>,
    /// Groups.
    pub groups: Option<Globs>,
    /// Service accounts, as `namespace/name`.
    pub service_accounts: Option<Globs>,
    /// Where its last day stands, or the exemption itself if it has none.
    pub place: Place,
}

/// The fields of an exemption.
pub(super) const FIELDS: &[Field] = &[
    Field::required("reason", Shape::Text)
        .told("Why, for whoever reads this next.")
        .example("\"migration wave 3, ticket 4711\""),
    Field::optional("owner", Shape::Text)
        .told("Whom to ask.")
        .example("\"team-storage\""),
    Field::optional(
        "expires",
        Shape::Form("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "date"),
    )
    .told("The last day on which it holds, in UTC. Without it the exemption holds for good.")
    .example("\"2027-01-31\""),
    Field::optional("users", Shape::PATTERNS)
        .told("Names or patterns of users. `*` stands for any characters.")
        .example("[\"alice\"]"),
    Field::optional("groups", Shape::PATTERNS)
        .told("Names or patterns of groups.")
        .example("[\"migration-operators\"]"),
    Field::optional(
        "serviceAccounts",
        Shape::List(0, &Shape::Form("\\S*/", "namespace/name")),
    )
    .told("Service accounts as namespace/name, or patterns of such.")
    .example("[\"ci/deployer\"]"),
];

/// An exemption is for somebody.
pub(super) const FOR_SOMEBODY: &str = r#"{"anyOf": [
    {"required": ["users"], "properties": {"users": {"minItems": 1}}},
    {"required": ["groups"], "properties": {"groups": {"minItems": 1}}},
    {"required": ["serviceAccounts"], "properties": {"serviceAccounts": {"minItems": 1}}}
]}"#;

impl Exemption {
    /// Whether it still holds on a day. The day it expires is included.
    pub fn is_in_force(&self, today: Date) -> bool {
        self.expires.is_none_or(|last| today <= last)
    }

    /// Whom it is for, in few words.
    pub fn describe(&self) -> String {
        let lists = [&self.users, &self.groups, &self.service_accounts];
        let names: Vec<&str> = lists
            .into_iter()
            .flatten()
            .flat_map(Globs::patterns)
            .map(String::as_str)
            .collect();
        match names.as_slice() {
            [first, _, _, ..] => format!("{first} and {} more", names.len() - 1),
            few => few.join(" and "),
        }
    }

    /// Whether it is for this user.
    pub fn covers(&self, user: &UserInfo<'_>) -> bool {
        let matches = |globs: &Option<Globs>, name: &str| {
            globs.as_ref().is_some_and(|globs| globs.is_match(name))
        };
        let by_name = user
            .username
            .get()
            .is_some_and(|name| matches(&self.users, name));
        let by_group = user.groups.iter().any(|group| {
            group
                .get()
                .is_some_and(|group| matches(&self.groups, group))
        });
        by_name
            || by_group
            || self.service_accounts.is_some()
                && user.service_account().is_some_and(|account| {
                    matches(
                        &self.service_accounts,
                        &format!("{}/{}", account.namespace, account.name),
                    )
                })
    }
}

impl Decode for Exemption {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(node, "an exemption", FIELDS, decoder)?;
        let reason = fields.required("reason", "say why, for whoever reads this next", decoder);
        let owner = fields.optional("owner", decoder);
        let expires = fields.optional("expires", decoder);
        let users = fields.optional("users", decoder);
        let groups = fields.optional("groups", decoder);
        let service_accounts = fields.optional::<Globs>("serviceAccounts", decoder);
        let (users, groups, service_accounts) = (users?, groups?, service_accounts?);
        let lists = [&users, &groups, &service_accounts];
        let is_empty = |list: &Option<Globs>| {
            list.as_ref()
                .is_none_or(|globs| globs.patterns().is_empty())
        };
        if lists.into_iter().all(is_empty) {
            let help = "name at least one: users, groups or serviceAccounts (namespace/name)";
            decoder.error(node, "the exemption is for nobody", help);
            return None;
        }
        if let Some(accounts) = &service_accounts
            && let Some(account) = accounts
                .patterns()
                .iter()
                .find(|pattern| !pattern.contains('/'))
        {
            let help = "write it as namespace/name, for example ci/deployer";
            let message = format!("service account `{account}` names no namespace");
            fields.error("serviceAccounts", message, help, decoder);
            return None;
        }
        Some(Self {
            reason: reason?,
            owner: owner?,
            expires: expires?,
            users,
            groups,
            service_accounts,
            place: fields.node("expires").unwrap_or(node).place,
        })
    }
}
