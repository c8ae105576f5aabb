//! Features in Redis, where a row is two packed numbers.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use crate::beta::Posterior;
use crate::link::Link;
use crate::request::Text;

const CHUNK: usize = 100;
const COMMAND: &str = "$4\r\nMGET\r\n";
const KEY: &str = "bandit:content:";
const USUAL: usize = 256; // bytes of an id

/// The rows of one Redis, read over one connection.
pub struct Rows {
    address: String,
    heads: Vec<Vec<u8>>,
    link: RefCell<Option<Rc<Link>>>,
}

impl Rows {
    /// Connect to `redis://HOST:PORT`.
    pub async fn connect(url: &str) -> io::Result<Rows> {
        let wrong = || io::Error::other(format!("--redis is {url}, must be redis://HOST:PORT"));
        let address = url.strip_prefix("redis://").ok_or_else(wrong)?.trim_end_matches('/').into();
        let heads = (0..USUAL).map(head).collect();
        let rows = Rows { address, heads, link: RefCell::default() };
        rows.link().await?;
        Ok(rows)
    }

    /// The rows of the ids, by one request for each chunk of them, all under way at once.
    pub async fn fetch(&self, ids: &[Text<'_>]) -> io::Result<Vec<Option<Posterior>>> {
        let link = self.link().await?;
        link.ask(ids.len(), |out| ids.chunks(CHUNK).for_each(|chunk| self.request(chunk, out)))
            .await
    }

    async fn link(&self) -> io::Result<Rc<Link>> {
        if let Some(link) = self.link.borrow().as_ref().filter(|link| !link.ended()) {
            return Ok(link.clone());
        }
        let link = Link::connect(&self.address).await?;
        self.link.replace(Some(link.clone()));
        Ok(link)
    }

    fn request(&self, ids: &[Text<'_>], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("*{}\r\n{COMMAND}", 1 + ids.len()).as_bytes());
        for id in ids.iter().map(|id| id.as_str().as_bytes()) {
            match self.heads.get(id.len()) {
                Some(head) => out.extend_from_slice(head),
                None => out.extend_from_slice(&head(id.len())),
            }
            out.extend_from_slice(id);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// What stands before an id of a size.
fn head(size: usize) -> Vec<u8> {
    format!("${}\r\n{KEY}", KEY.len() + size).into_bytes()
}
