//! The store as a process has it that stays: its index in memory, its catalogue open.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use index::catalogue::{Counts, RunId, Writer, Written};
use index::{Catalogue, Renewal, Searcher, Store, TrackId};

use crate::extract::no_such_track;
use crate::files::file_below;
use crate::problem::Problem;

/// Models may change places while somebody asks: so often a question is begun anew.
const TRIES: usize = 5;

/// What requests ask.
pub(crate) struct Library {
    store: Store,
    /// Folders beside those that were taken in whose files may be heard.
    folders: Vec<PathBuf>,
    searcher: ArcSwapOption<Searcher>,
    /// Held by the one who opens an index; whether the one before may still be in memory.
    renewing: Mutex<bool>,
    /// Connections that nobody reads from at the moment.
    idle: Mutex<Vec<Connection>>,
    /// The one connection that notes what listeners do.
    notes: Mutex<Option<Connection>>,
    /// What was counted last, and when.
    counted: Mutex<Option<(Moment, Counts)>>,
}

/// An open catalogue, and the file that it is.
struct Connection {
    catalogue: Catalogue,
    file: (u64, u64),
}

/// As long as this is the same, nothing was taken in or forgotten.
#[derive(Debug, Clone, PartialEq)]
struct Moment {
    model: Option<String>,
    revision: Option<u64>,
    run: Option<(RunId, Option<i64>)>,
}

/// Catalogue and index of one model, as they are for one question.
pub(crate) struct Asked<'a> {
    pub catalogue: &'a Catalogue,
    pub searcher: &'a Searcher,
}

impl Library {
    /// Opens a store and its index.
    ///
    /// # Errors
    /// What opening them reports.
    pub fn open(store: Store, folders: Vec<PathBuf>) -> index::Result<Self> {
        let library = Self {
            store,
            folders,
            searcher: ArcSwapOption::empty(),
            renewing: Mutex::new(false),
            idle: Mutex::new(Vec::new()),
            notes: Mutex::new(None),
            counted: Mutex::new(None),
        };
        library.renew()?;
        Ok(library)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The index; `None`: there are no vectors.
    pub fn searcher(&self) -> Option<Arc<Searcher>> {
        self.searcher.load_full()
    }

    /// Brings the index up to date with the store, which costs little where nothing has changed. Questions under way keep
    /// the one that they have begun with.
    ///
    /// # Errors
    /// What opening them reports.
    pub fn renew(&self) -> index::Result<()> {
        let mut was_renewed = lock(&self.renewing);
        // By now, questions that had begun with the one before have ended.
        if std::mem::take(&mut *was_renewed) {
            index::memory::give_back();
        }
        let before = self.searcher();
        let renewal = self.with_catalogue(|catalogue| match before.as_deref() {
            Some(before) => self.store.renewed(catalogue, before),
            None => self.store.resident_searcher(catalogue).map(Renewal::Anew),
        });
        let searcher = match renewal? {
            Renewal::Unchanged => return Ok(()),
            Renewal::Beside(searcher) => Some(searcher),
            Renewal::Anew(searcher) => searcher,
        };
        if let Some(fault) = searcher.as_ref().and_then(Searcher::fault) {
            tracing::warn!("{fault}: searched without it, `similar-tracks repair` renews it");
        }
        self.searcher.store(searcher.map(Arc::new));
        *was_renewed = true;
        Ok(())
    }

    /// Reads from the catalogue, of one state of it.
    ///
    /// # Errors
    /// What `read` reports; [`Problem`]s of the catalogue.
    pub fn read<T>(&self, read: impl FnOnce(&Catalogue) -> Result<T, Problem>) -> Result<T, Problem> {
        self.with_catalogue(|catalogue| catalogue.at_one_instant(read))
    }

    /// Asks the index and the catalogue together: both are of one model, and the catalogue of one state.
    ///
    /// # Errors
    /// What `ask` reports; that there are no vectors.
    pub fn ask<T>(&self, ask: impl Fn(Asked<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        for _ in 0..TRIES {
            let searcher = self.searcher();
            let answer = self.read(|catalogue| {
                let serving = catalogue.serving_model()?;
                match searcher.as_deref() {
                    Some(searcher) if serving.as_deref() == Some(searcher.model_id()) => {
                        ask(Asked { catalogue, searcher }).map(Some)
                    }
                    None if serving.is_none() => Err(Problem::not_found("the library holds no tracks yet")),
                    // Another model has come to serve, or the first.
                    _ => Ok(None),
                }
            })?;
            match answer {
                Some(answer) => return Ok(answer),
                None => self.renew()?,
            }
        }
        // A model serves of which there are no vectors.
        Err(Problem::not_found("the library holds no tracks yet"))
    }

    /// How many tracks there are of each kind. All of them are looked at for it, so only after something has changed.
    ///
    /// # Errors
    /// What reading reports.
    pub fn counts(&self) -> Result<Counts, Problem> {
        let searcher = self.searcher();
        self.read(|catalogue| {
            let moment = Moment {
                model: catalogue.serving_model()?,
                revision: searcher.as_ref().map(|searcher| searcher.revision()),
                run: catalogue.last_run()?.map(|run| (run.id, run.finished_at)),
            };
            if let Some((known, counts)) = &*lock(&self.counted)
                && *known == moment
            {
                return Ok(*counts);
            }
            let counts = catalogue.counts(moment.model.as_deref().unwrap_or_default())?;
            *lock(&self.counted) = Some((moment, counts));
            Ok(counts)
        })
    }

    /// A track's file, if it is one that may be heard.
    ///
    /// # Errors
    /// As [`file_below`]; where there is no such track.
    pub fn file_of(&self, track: TrackId) -> Result<PathBuf, Problem> {
        let (path, roots) = self.read(|catalogue| {
            let record = catalogue.get(track)?.ok_or_else(|| no_such_track(track))?;
            Ok((record.file.path, catalogue.roots()?))
        })?;
        // A disk that sleeps keeps nobody from the catalogue.
        file_below(&path, roots.iter().chain(&self.folders), track)
    }

    /// Notes what listeners do, while whoever else may be writing tracks.
    ///
    /// # Errors
    /// [`Problem`]s of the catalogue.
    pub fn note<T>(&self, write: impl FnOnce(&Writer<'_>) -> Written<T>) -> Result<T, Problem> {
        let mut notes = lock(&self.notes);
        let file = self.store.catalogue_file()?;
        let connection = match notes.take().filter(|known| known.file == file) {
            Some(connection) => connection,
            None => Connection { catalogue: self.store.catalogue_to_note()?, file },
        };
        Ok(notes.insert(connection).catalogue.commit(write)?)
    }

    fn with_catalogue<T, E: From<index::Error>>(&self, read: impl FnOnce(&Catalogue) -> Result<T, E>) -> Result<T, E> {
        let file = self.store.catalogue_file()?;
        // The guard is gone before a catalogue is opened, which takes a while. One whose file another has taken the place
        // of is closed.
        let idle = || lock(&self.idle).pop();
        let connection = match std::iter::from_fn(idle).find(|known| known.file == file) {
            Some(connection) => connection,
            None => Connection { catalogue: self.store.catalogue()?, file },
        };
        let value = read(&connection.catalogue);
        // Of a connection that has failed it is not known what state it is in.
        if value.is_ok() {
            lock(&self.idle).push(connection);
        }
        value
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
