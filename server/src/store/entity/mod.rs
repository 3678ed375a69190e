//! The server's own tables, a file each.

pub(super) mod consent;
pub(super) mod conversation;
pub(super) mod flow_version;
pub(super) mod guest;
pub(super) mod guest_name;
pub(super) mod inbox;
pub(super) mod key;
pub(super) mod log;
pub(super) mod missed;
pub(super) mod outbox;
pub(super) mod window;
