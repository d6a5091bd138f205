//! Members of equal weight, ordered by their current weight.

use std::cmp::Reverse;

/// The current weights of the members of one class, each known by its rank: its place among them.
/// The first is the one with the largest weight, of those the one of the lowest rank.
#[derive(Clone, Debug)]
pub enum Ranking {
    /// They are picked in turn: all weights are `high`, but those of ranks below `next`, which are
    /// `low`. It takes no memory for each member.
    Turn {
        /// Weight of those that wait.
        high: i64,
        /// Weight of those that were picked; below `high`.
        low: i64,
        /// The first that waits; below the number of members.
        next: u32,
        /// How many there are.
        count: u32,
    },
    /// Anything else: a heap.
    Heap(Heap),
}

/// A binary heap with the place of each rank in it (Sedgewick and Wayne, Algorithms, 2.4).
#[derive(Clone, Debug)]
pub struct Heap {
    weights: Vec<i64>,
    ranks: Vec<u32>,
    places: Vec<u32>,
}

impl Ranking {
    /// Orders these weights, the first of which belongs to rank 0.
    pub fn new(weights: Vec<i64>) -> Self {
        let (low, high) = (weights[0], weights[weights.len() - 1]);
        let next = weights.partition_point(|weight| *weight < high);
        let is_turn = weights[..next].iter().all(|weight| *weight == low)
            && weights[next..].iter().all(|weight| *weight == high);
        if is_turn {
            return Ranking::Turn {
                high,
                low,
                next: next as u32,
                count: weights.len() as u32,
            };
        }
        Ranking::Heap(Heap::new(weights))
    }

    /// The first: its weight and rank.
    #[inline]
    pub fn first(&self) -> (i64, u32) {
        match self {
            Ranking::Turn { high, next, .. } => (*high, *next),
            Ranking::Heap(heap) => (heap.weights[heap.ranks[0] as usize], heap.ranks[0]),
        }
    }

    /// Takes `amount`, a positive one, from the first.
    #[inline]
    pub fn lower_first(&mut self, amount: i64) {
        match self {
            Ranking::Turn {
                high,
                low,
                next,
                count,
            } if *next == 0 || *high - amount == *low => {
                *low = *high - amount;
                *next += 1;
                if *next == *count {
                    (*high, *next) = (*low, 0);
                }
            }
            Ranking::Turn { .. } => {
                let (weight, rank) = self.first();
                self.set(rank, weight - amount);
            }
            Ranking::Heap(heap) => {
                let rank = heap.ranks[0];
                heap.set(rank, heap.weights[rank as usize] - amount);
            }
        }
    }

    /// The weight of a rank.
    pub fn weight(&self, rank: u32) -> i64 {
        match self {
            Ranking::Turn {
                high, low, next, ..
            } => match rank < *next {
                true => *low,
                false => *high,
            },
            Ranking::Heap(heap) => heap.weights[rank as usize],
        }
    }

    /// Gives a rank another weight.
    pub fn set(&mut self, rank: u32, weight: i64) {
        if let Ranking::Turn { count, .. } = self {
            let weights = (0..*count).map(|rank| self.weight(rank)).collect();
            *self = Ranking::Heap(Heap::new(weights));
        }
        let Ranking::Heap(heap) = self else {
            unreachable!("it was made one");
        };
        heap.set(rank, weight);
    }

    /// Adds `amount` to all weights.
    pub fn raise_all(&mut self, amount: i64) {
        match self {
            Ranking::Turn { high, low, .. } => {
                *high += amount;
                *low += amount;
            }
            Ranking::Heap(heap) => {
                for weight in &mut heap.weights {
                    *weight = weight.saturating_add(amount);
                }
            }
        }
    }
}

impl Heap {
    fn new(weights: Vec<i64>) -> Self {
        let count = weights.len() as u32;
        let mut ranks: Vec<u32> = (0..count).collect();
        // A sorted list is a heap.
        ranks.sort_unstable_by_key(|rank| (Reverse(weights[*rank as usize]), *rank));
        let mut places = vec![0; weights.len()];
        for (place, rank) in (0u32..).zip(&ranks) {
            places[*rank as usize] = place;
        }
        Heap {
            weights,
            ranks,
            places,
        }
    }

    fn set(&mut self, rank: u32, weight: i64) {
        self.weights[rank as usize] = weight;
        let place = self.sift_up(self.places[rank as usize] as usize);
        self.sift_down(place);
    }

    /// Whether the rank at place `a` comes before that at `b`.
    fn is_before(&self, a: usize, b: usize) -> bool {
        let key = |place: usize| {
            let rank = self.ranks[place];
            (Reverse(self.weights[rank as usize]), rank)
        };
        key(a) < key(b)
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.ranks.swap(a, b);
        self.places[self.ranks[a] as usize] = a as u32;
        self.places[self.ranks[b] as usize] = b as u32;
    }

    fn sift_up(&mut self, mut place: usize) -> usize {
        while 0 < place && self.is_before(place, (place - 1) / 2) {
            self.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
        place
    }

    fn sift_down(&mut self, mut place: usize) {
        loop {
            let left = 2 * place + 1;
            if self.ranks.len() <= left {
                return;
            }
            let right = left + 1;
            let has_right = right < self.ranks.len();
            let child = match has_right && self.is_before(right, left) {
                true => right,
                false => left,
            };
            if !self.is_before(child, place) {
                return;
            }
            self.swap(child, place);
            place = child;
        }
    }
}
