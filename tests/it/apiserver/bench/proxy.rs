//! A wire between goldkeeper and the API server that can be cut.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WHOLE: u8 = 0;
const CUT: u8 = 1;
const STALLED: u8 = 2;

pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    wire: Arc<Wire>,
}

struct Wire {
    upstream: SocketAddr,
    state: AtomicU8,
    ends: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(super) fn to(upstream: SocketAddr) -> Self {
        Self::at(IpAddr::from([127, 0, 0, 1]), upstream)
    }

    /// One that listens on an address of this machine.
    pub(super) fn at(address: IpAddr, upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Arc::new(Wire {
            upstream,
            state: AtomicU8::new(WHOLE),
            ends: Mutex::default(),
        });
        let accepting = wire.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                accepting.link(stream);
            }
        });
        Self { address, wire }
    }

    /// Connections end, and new ones end at once.
    pub(super) fn cut(&self) {
        self.wire.turn(CUT);
    }

    /// Connections stay, and nothing passes.
    pub(super) fn stall(&self) {
        self.wire.state.store(STALLED, Ordering::SeqCst);
    }

    pub(super) fn mend(&self) {
        if self.wire.state.load(Ordering::SeqCst) != WHOLE {
            self.wire.turn(WHOLE);
        }
    }
}

impl Wire {
    fn turn(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
        for end in self.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    fn link(self: &Arc<Self>, near: TcpStream) {
        if self.state.load(Ordering::SeqCst) == CUT {
            return;
        }
        let Ok(far) = TcpStream::connect(self.upstream) else {
            return;
        };
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        let copy = |stream: &TcpStream| stream.try_clone().unwrap();
        self.ends.lock().unwrap().extend([copy(&near), copy(&far)]);
        for (from, to) in [(copy(&near), copy(&far)), (far, near)] {
            let wire = self.clone();
            std::thread::spawn(move || wire.pass(from, to));
        }
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            while self.state.load(Ordering::SeqCst) == STALLED {
                std::thread::sleep(Duration::from_millis(20));
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }
}
