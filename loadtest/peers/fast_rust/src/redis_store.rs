//! Features in Redis, where a row is two packed numbers.

use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, RedisResult, Value};

use crate::beta::Posterior;
use crate::request::Text;

const CHUNK: usize = 100;
const KEY: &[u8] = b"bandit:content:";

/// One connection, on which requests don't wait for the answers of others.
pub struct Rows(MultiplexedConnection);

impl Rows {
    pub async fn connect(url: &str) -> RedisResult<Rows> {
        Ok(Rows(Client::open(url)?.get_multiplexed_async_connection().await?))
    }

    pub async fn fetch(&self, ids: &[Text<'_>]) -> RedisResult<Vec<Option<Posterior>>> {
        let chunks = try_join_all(ids.chunks(CHUNK).map(|chunk| self.read(chunk))).await?;
        Ok(chunks.iter().flatten().map(unpack).collect())
    }

    async fn read(&self, ids: &[Text<'_>]) -> RedisResult<Vec<Value>> {
        let mut command = Cmd::with_capacity(1 + ids.len(), 64 * ids.len());
        command.arg("MGET");
        let mut key = KEY.to_vec();
        for id in ids {
            key.truncate(KEY.len());
            key.extend_from_slice(id.as_str().as_bytes());
            command.arg(&key);
        }
        command.query_async(&mut self.0.clone()).await
    }
}

fn unpack(value: &Value) -> Option<Posterior> {
    let Value::BulkString(row) = value else { return None };
    let row: &[u8; 16] = row.as_slice().try_into().ok()?;
    let (alpha, beta) = row.split_at(8);
    let number = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("8 bytes"));
    Some(Posterior::new(number(alpha), number(beta)))
}
