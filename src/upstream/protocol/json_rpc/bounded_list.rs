//! A list of which only the first items are kept. Some servers write a list with gaps, or an empty one, as an object.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// The first `MOST` items of a list, or values of an object.
#[derive(Default)]
pub(crate) struct BoundedList<'a, const MOST: usize> {
    pub(crate) items: Vec<&'a RawValue>,
    /// How many more there are.
    pub(crate) beyond: usize,
}

impl<'de: 'a, 'a, const MOST: usize> Deserialize<'de> for BoundedList<'a, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<const MOST: usize>;
        impl<'de, const MOST: usize> Visitor<'de> for ListVisitor<MOST> {
            type Value = BoundedList<'de, MOST>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
                let mut first = BoundedList::default();
                while first.items.len() < MOST {
                    let Some(item) = list.next_element()? else { return Ok(first) };
                    first.items.push(item);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    first.beyond += 1;
                }
                Ok(first)
            }

            fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self::Value, M::Error> {
                let mut first = BoundedList::default();
                while first.items.len() < MOST {
                    let Some((_, item)) = members.next_entry::<IgnoredAny, _>()? else { return Ok(first) };
                    first.items.push(item);
                }
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    first.beyond += 1;
                }
                Ok(first)
            }
        }
        deserializer.deserialize_any(ListVisitor)
    }
}
