//! Where features are.

use std::sync::Arc;

use redis::RedisResult;

use crate::beta::Posterior;
use crate::memory::Table;
use crate::redis_store::Rows;
use crate::request::Text;

pub enum Store {
    Memory(Arc<Table>),
    Redis(Rows),
}

impl Store {
    /// The rows of the ids, in their order.
    pub async fn fetch(&self, ids: &[Text<'_>]) -> RedisResult<Vec<Option<Posterior>>> {
        match self {
            Store::Memory(table) => Ok(table.fetch(ids)),
            Store::Redis(rows) => rows.fetch(ids).await,
        }
    }
}
