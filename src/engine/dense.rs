//! A map whose keys are small numbers: a place for each of them.

use std::marker::PhantomData;
use std::ops::Range;

/// A key that counts from 0.
pub trait Dense: Copy {
    /// Its number.
    fn place(self) -> usize;

    /// The key with this number.
    fn at(place: usize) -> Self;
}

impl Dense for u32 {
    fn place(self) -> usize {
        self as usize
    }

    fn at(place: usize) -> Self {
        u32::try_from(place).expect("keys are of 32 bits")
    }
}

/// Values by key. Its room grows with the greatest key, so keys should have few holes.
#[derive(Clone, Debug)]
pub struct DenseMap<K, V> {
    values: Vec<Option<V>>,
    len: usize,
    key: PhantomData<K>,
}

impl<K, V> Default for DenseMap<K, V> {
    fn default() -> Self {
        DenseMap {
            values: Vec::new(),
            len: 0,
            key: PhantomData,
        }
    }
}

impl<K: Dense, V> DenseMap<K, V> {
    /// How many keys have a value.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no key has one.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a key has one.
    pub fn contains_key(&self, key: K) -> bool {
        self.get(key).is_some()
    }

    /// The value of a key.
    #[inline]
    pub fn get(&self, key: K) -> Option<&V> {
        self.values.get(key.place())?.as_ref()
    }

    /// The value of a key, to change it.
    #[inline]
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.values.get_mut(key.place())?.as_mut()
    }

    /// Gives a key a value. Returns the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let place = key.place();
        if self.values.len() <= place {
            self.values.resize_with(place + 1, || None);
        }
        let before = self.values[place].replace(value);
        self.len += usize::from(before.is_none());
        before
    }

    /// Takes the value of a key away.
    pub fn remove(&mut self, key: K) -> Option<V> {
        let before = self.values.get_mut(key.place())?.take();
        self.len -= usize::from(before.is_some());
        before
    }

    /// Keys and values, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        let places = self.values.iter().enumerate();
        places.filter_map(|(place, value)| Some((K::at(place), value.as_ref()?)))
    }

    /// Keys and values, to change them, ascending.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        let places = self.values.iter_mut().enumerate();
        places.filter_map(|(place, value)| Some((K::at(place), value.as_mut()?)))
    }

    /// Keys and values from one key up to another one, which is left out, ascending.
    pub fn range(&self, keys: Range<K>) -> impl Iterator<Item = (K, &V)> {
        let end = keys.end.place().min(self.values.len());
        let start = keys.start.place().min(end);
        let places = (start..).zip(&self.values[start..end]);
        places.filter_map(|(place, value)| Some((K::at(place), value.as_ref()?)))
    }

    /// The values, ascending by key.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter().flatten()
    }

    /// The keys that have a value, ascending.
    pub fn keys(&self) -> impl Iterator<Item = K> {
        self.iter().map(|(key, _)| key)
    }
}

impl<K: Dense, V> FromIterator<(K, V)> for DenseMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = DenseMap::default();
        for (key, value) in pairs {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Dense, V> std::ops::Index<K> for DenseMap<K, V> {
    type Output = V;

    fn index(&self, key: K) -> &V {
        self.get(key).expect("the key has a value")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It is a map of the standard library, but for its keys.
        #[test]
        fn it_is_an_ordered_map(steps in prop::collection::vec((0u32..20, 0u32..4), 0..100)) {
            let (mut map, mut model) = (DenseMap::default(), BTreeMap::new());
            for (key, step) in steps {
                match step {
                    0 => prop_assert_eq!(map.remove(key), model.remove(&key)),
                    1 => prop_assert_eq!(map.get_mut(key), model.get_mut(&key)),
                    _ => prop_assert_eq!(map.insert(key, step), model.insert(key, step)),
                }
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.is_empty(), model.is_empty());
                let both: Vec<(u32, u32)> = map.iter().map(|(key, value)| (key, *value)).collect();
                prop_assert_eq!(&both, &model.clone().into_iter().collect::<Vec<_>>());
                let some = map.range(key..15).map(|(key, value)| (key, *value));
                let modelled = model.range(key.min(15)..15).map(|(key, value)| (*key, *value));
                prop_assert_eq!(some.collect::<Vec<_>>(), modelled.collect::<Vec<_>>());
                let again: DenseMap<u32, u32> = both.into_iter().collect();
                prop_assert!(again.values().eq(model.values()));
            }
        }
    }
}
