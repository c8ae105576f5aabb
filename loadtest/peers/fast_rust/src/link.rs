//! A connection to Redis that many requests share: what they send goes out together.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, oneshot};

use crate::beta::Posterior;
use crate::reply::{Part, part};

const BUFFER: usize = 64 << 10;

type Found = Vec<Option<Posterior>>;

#[derive(Default)]
pub struct Link {
    requests: RefCell<Vec<u8>>,
    asked: Notify,
    waiting: RefCell<VecDeque<Waiter>>,
    ended: Cell<bool>,
}

struct Waiter {
    found: Found,
    wanted: usize,
    sender: oneshot::Sender<Found>,
}

impl Link {
    pub async fn connect(address: &str) -> io::Result<Rc<Link>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let link = Rc::new(Link::default());
        let (sends, receives) = (link.clone(), link.clone());
        tokio::task::spawn_local(async move { sends.end(sends.send(writer).await) });
        tokio::task::spawn_local(async move { receives.end(receives.receive(reader).await) });
        Ok(link)
    }

    pub fn ended(&self) -> bool {
        self.ended.get()
    }

    /// Send what `write` appends and wait for so many rows.
    pub async fn ask(&self, wanted: usize, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<Found> {
        write(&mut self.requests.borrow_mut());
        let (sender, answer) = oneshot::channel();
        let waiter = Waiter { found: Vec::with_capacity(wanted), wanted, sender };
        self.waiting.borrow_mut().push_back(waiter);
        self.asked.notify_one();
        answer.await.map_err(|_| io::Error::other("the connection to Redis ended"))
    }

    async fn send(&self, mut writer: OwnedWriteHalf) -> io::Result<()> {
        let mut sending = Vec::with_capacity(BUFFER);
        while !self.ended() {
            self.asked.notified().await;
            std::mem::swap(&mut sending, &mut self.requests.borrow_mut());
            writer.write_all(&sending).await?;
            sending.clear();
        }
        Ok(())
    }

    async fn receive(&self, mut reader: OwnedReadHalf) -> io::Result<()> {
        let mut received = BytesMut::with_capacity(BUFFER);
        while reader.read_buf(&mut received).await? > 0 {
            let mut at = 0;
            while let Some((part, size)) = part(&received[at..])? {
                at += size;
                if let Part::Row(row) = part {
                    self.give(row)?;
                }
            }
            received.advance(at);
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    /// Give a row to the request whose turn it is.
    fn give(&self, row: Option<Posterior>) -> io::Result<()> {
        let mut waiting = self.waiting.borrow_mut();
        let first = waiting.front_mut().ok_or_else(|| io::Error::other("nobody asked"))?;
        first.found.push(row);
        if first.found.len() == first.wanted {
            let Waiter { found, sender, .. } = waiting.pop_front().expect("the front");
            let _ = sender.send(found); // its client may be gone
        }
        Ok(())
    }

    fn end(&self, why: io::Result<()>) {
        if let Err(error) = why {
            eprintln!("Redis: {error}");
        }
        self.ended.set(true);
        self.waiting.borrow_mut().clear();
        self.asked.notify_one();
    }
}
