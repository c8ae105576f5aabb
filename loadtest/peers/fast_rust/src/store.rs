//! Where features are.

use std::io;
use std::sync::Arc;

use crate::beta::Posterior;
use crate::memory::Table;
use crate::redis::Rows;
use crate::request::Text;

pub enum Store {
    Memory(Arc<Table>),
    Redis(Rows),
}

impl Store {
    /// The rows of the ids, in their order.
    pub async fn fetch(&self, ids: &[Text<'_>]) -> io::Result<Vec<Option<Posterior>>> {
        match self {
            Store::Memory(table) => Ok(table.fetch(ids)),
            Store::Redis(rows) => rows.fetch(ids).await,
        }
    }
}
