//! Files that change while goldkeeper runs.
//!
//! They are read twice a second and compared by content, so that the symlink swap of a mounted ConfigMap or Secret, an
//! editor's rename and a write in place all count, and no watch of the operating system can be lost. A change counts once
//! two readings agree: a file that is being written, or a swap in the middle of a reading, is never taken for a whole.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Time between two readings.
const INTERVAL: Duration = Duration::from_millis(500);
/// Time between the reading that finds a change and the one that confirms it.
const CONFIRM: Duration = Duration::from_millis(100);

/// Reads files again and again until dropped. `judge` is given each reading that differs from the one before and was
/// confirmed, the first one too: what was read at the start is not trusted to be what is in force. `tick` is called before
/// each reading.
pub async fn follow<R: PartialEq + Send + 'static>(
    read: impl Fn() -> R + Send + Sync + 'static,
    mut judge: impl FnMut(&R),
    mut tick: impl FnMut(),
) {
    let read = Arc::new(read);
    let mut judged = None;
    loop {
        tick();
        sleep(INTERVAL).await;
        let reading = off_thread(&read).await;
        if reading.is_none() || judged == reading {
            continue;
        }
        sleep(CONFIRM).await;
        let confirmed = off_thread(&read).await;
        if confirmed == reading {
            confirmed.iter().for_each(&mut judge);
            judged = confirmed;
        }
    }
}

/// Reads off the runtime's threads: files may be on a slow disk. `None` if reading itself broke.
async fn off_thread<R: Send + 'static>(
    read: &Arc<impl Fn() -> R + Send + Sync + 'static>,
) -> Option<R> {
    let read = read.clone();
    spawn_blocking(move || read()).await.ok()
}
