//! The numbers that names became.

use serde::{Deserialize, Serialize};

/// Numbers one kind of thing in the table that declares it.
macro_rules! number {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub(crate) u16);

        impl $name {
            /// The place in the table.
            pub fn index(self) -> usize {
                usize::from(self.0)
            }

            pub(crate) fn at(index: usize) -> Self {
                Self(u16::try_from(index).unwrap_or(u16::MAX))
            }
        }
    };
}

number! {
    /// A flow among [`Flows`](super::Flows).
    FlowId
}
number! {
    /// A state of a flow. The order of numbers is SCXML's document order.
    StateId
}
number! {
    /// A slot of a flow.
    SlotId
}
number! {
    /// A saved result of a flow.
    ResultId
}
number! {
    /// A named event among [`Flows`](super::Flows).
    EventId
}
