//! From bytes to windows, as an ingest goes. The five targets differ in the name that the bytes go
//! by, and in what they begin with (`fuzz/seeds`).
//!
//! The front end turns a codec's panic into an error of that file. The fuzzer's own hook would abort
//! at a panic before that, so it is replaced: what counts as a finding here is a panic outside of
//! the guard, a hang, memory, and a log-mel that is not finite.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use audio_frontend::decode::Bytes;
use audio_frontend::guard::{guard, is_guarded};
use audio_frontend::{AudioStream, Coverage, FrontEndConfig, WindowReader};

/// What this limit ends, the fuzzer reports as slow; what it does not end, as a timeout.
const TIME_LIMIT: Duration = Duration::from_secs(10);

static HOOK: Once = Once::new();

/// Reads bytes as a file of that name, with both coverages.
pub fn read(bytes: &[u8], name: &str) {
    HOOK.call_once(|| {
        let abort = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !is_guarded() {
                abort(panic);
            }
        }));
    });
    let config = FrontEndConfig::default();
    let path = Path::new(name);
    for coverage in [Coverage::Spread, Coverage::Full] {
        let open = || AudioStream::open_bytes(Bytes::Memory(bytes.into()), path, TIME_LIMIT);
        let Ok(Ok(stream)) = guard(open) else { continue };
        let mut reader = WindowReader::of_stream(stream, path, &config, coverage);
        while let Ok(Some(windows)) = reader.next_windows() {
            assert!(windows.log_mel.iter().all(|value| value.is_finite()), "{name}: a log-mel that is no number");
        }
    }
}
