//! What is told once a minute at most: a flood of requests must not bury the rest of the log.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::clock::Clock;

/// How long further ones are counted after one was told.
const WINDOW: Duration = Duration::from_mins(1);

/// Tells the first one at once and what follows in the next minute in one line. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Seldom {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    sum: &'static str,
    /// How many were not told since the first one; `None` where none was told lately.
    untold: Mutex<Option<u64>>,
}

impl Seldom {
    /// `sum` is what the line says that stands for those which were not told by themselves.
    pub(super) fn new(clock: Clock, sum: &'static str) -> Self {
        Self { inner: Arc::new(Inner { clock, sum, untold: Mutex::default() }) }
    }

    /// Counts one; true if it is to be told by itself.
    pub(super) fn is_told(&self) -> bool {
        let mut untold = self.untold();
        if let Some(untold) = &mut *untold {
            *untold += 1;
            return false;
        }
        *untold = Some(0);
        let this = self.clone();
        tokio::spawn(async move {
            this.inner.clock.sleep(WINDOW).await;
            this.sum_up();
        });
        true
    }

    fn sum_up(&self) {
        if let Some(count @ 1..) = self.untold().take() {
            let seconds = WINDOW.as_secs();
            tracing::warn!(count, seconds, "{}", self.inner.sum);
        }
    }

    fn untold(&self) -> MutexGuard<'_, Option<u64>> {
        self.inner.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_flood_is_one_line_a_minute_and_none_is_forgotten() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let clock = Clock::system();
        let seldom = Seldom::new(clock.clone(), "further requests had no valid token");
        for _ in 0..3 {
            let told = (0..500).filter(|_| seldom.is_told()).count();
            assert_eq!(told, 1);
            // The task has to wait before time can pass for it.
            tokio::task::yield_now().await;
            clock.advance(WINDOW);
            while seldom.untold().is_some() {
                tokio::task::yield_now().await;
            }
        }
        // A single one needs no sum.
        assert!(seldom.is_told());
        tokio::task::yield_now().await;
        clock.advance(WINDOW);
        while seldom.untold().is_some() {
            tokio::task::yield_now().await;
        }
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert_eq!(log.lines().count(), 3, "{log}");
        assert!(log.lines().all(|line| line.contains("count=499 seconds=60")), "{log}");
    }
}
