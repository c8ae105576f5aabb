//! Features in memory.

use std::hash::BuildHasher;
use std::path::Path;

use compact_str::CompactString;
use foldhash::fast::FixedState;

use crate::beta::Posterior;
use crate::request::Text;

/// A hash table of open addressing, whose slots are of one cache line each: the loads of all slots
/// of a request are under way at once.
pub struct Table {
    slots: Vec<Slot>,
    hasher: FixedState,
}

#[derive(Clone)]
#[repr(align(64))]
struct Slot {
    hash: u64, // 0: empty
    id: CompactString,
    posterior: Posterior,
}

impl Table {
    /// Read a CSV file of id, alpha, beta.
    pub fn read(file: &Path) -> csv::Result<Table> {
        let rows = csv::Reader::from_path(file)?
            .into_deserialize()
            .collect::<csv::Result<Vec<(CompactString, f64, f64)>>>()?;
        let empty =
            Slot { hash: 0, id: CompactString::default(), posterior: Posterior::new(1.0, 1.0) };
        let slots = vec![empty; (2 * rows.len()).next_power_of_two()];
        let mut table = Table { slots, hasher: FixedState::default() };
        for (id, alpha, beta) in rows {
            table.insert(id, Posterior::new(alpha, beta));
        }
        Ok(table)
    }

    pub fn fetch(&self, ids: &[Text]) -> Vec<Option<Posterior>> {
        let hashes: Vec<u64> = ids.iter().map(|id| self.hash(id.as_str())).collect();
        let first: Vec<u64> = hashes.iter().map(|hash| self.slots[self.slot(*hash)].hash).collect();
        let found = ids.iter().zip(hashes).zip(first);
        found
            .map(|((id, hash), first)| if first == 0 { None } else { self.find(hash, id.as_str()) })
            .collect()
    }

    fn insert(&mut self, id: CompactString, posterior: Posterior) {
        let hash = self.hash(&id);
        let slot = self.probe(hash, &id);
        self.slots[slot] = Slot { hash, id, posterior };
    }

    fn find(&self, hash: u64, id: &str) -> Option<Posterior> {
        let slot = &self.slots[self.probe(hash, id)];
        (slot.hash != 0).then_some(slot.posterior)
    }

    /// The slot of the id, or the empty one where it would be.
    fn probe(&self, hash: u64, id: &str) -> usize {
        let mut at = self.slot(hash);
        while self.slots[at].hash != 0 && (self.slots[at].hash != hash || self.slots[at].id != id) {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    fn hash(&self, id: &str) -> u64 {
        self.hasher.hash_one(id) | 1
    }

    fn slot(&self, hash: u64) -> usize {
        (hash >> 1) as usize & (self.slots.len() - 1)
    }
}
