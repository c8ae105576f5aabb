//! POST /predict, written for speed.
//!
//!     fast_rust --port 8000 --workers 2 --features posteriors.csv
//!     fast_rust --port 8000 --workers 2 --redis redis://127.0.0.1:6379

mod beta;
mod http;
mod link;
mod memory;
mod options;
mod predict;
mod redis;
mod reply;
mod request;
mod store;

use std::error::Error;
use std::sync::Arc;
use std::thread;

use memory::Table;
use options::Options;
use redis::Rows;
use store::Store;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let options = Arc::new(Options::read()?);
    let table = options.features.as_deref().map(Table::read).transpose()?.map(Arc::new);
    let workers: Vec<_> = (0..options.workers)
        .map(|_| (options.clone(), table.clone()))
        .map(|(options, table)| thread::spawn(move || work(&options, table)))
        .collect();
    workers.into_iter().try_for_each(|worker| worker.join().expect("panics abort"))
}

/// Serve on this thread.
fn work(options: &Options, table: Option<Arc<Table>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let store = match (table, &options.redis) {
            (Some(table), _) => Store::Memory(table),
            (None, url) => Store::Redis(Rows::connect(url.as_deref().unwrap_or_default()).await?),
        };
        Ok(http::serve(options.port, store).await?)
    })
}
