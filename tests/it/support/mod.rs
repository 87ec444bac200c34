//! What the tests share.

pub(crate) mod case;
pub(crate) mod round;
pub(crate) mod yaml;
