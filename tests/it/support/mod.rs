//! What the tests share. Each part is used by a test binary that names it.

pub(crate) mod estate;
pub(crate) mod files;
pub(crate) mod json;
pub(crate) mod load;
pub(crate) mod programs;
pub(crate) mod round;
pub(crate) mod seen;
pub(crate) mod serving;
pub(crate) mod yaml;
