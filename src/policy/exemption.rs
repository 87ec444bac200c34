//! Break glass: who is let through, why, and until when.

use jiff::civil::Date;

use crate::admission::UserInfo;
use crate::document::{Decode, Decoder, Fields, Globs, Node};

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
}

const FIELDS: &[&str] = &[
    "reason",
    "owner",
    "expires",
    "users",
    "groups",
    "serviceAccounts",
];

impl Exemption {
    /// Whether it still holds on a day. The day it expires is included.
    pub fn is_in_force(&self, today: Date) -> bool {
        self.expires.is_none_or(|last| today <= last)
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
        if let (None, None, None) = (&users, &groups, &service_accounts) {
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
            decoder.error(
                node,
                format!("service account `{account}` names no namespace"),
                help,
            );
            return None;
        }
        Some(Self {
            reason: reason?,
            owner: owner?,
            expires: expires?,
            users,
            groups,
            service_accounts,
        })
    }
}
