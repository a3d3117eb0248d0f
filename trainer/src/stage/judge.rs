//! The validation artists, as a stage looks at them now and then.

use audio_frontend::{FrontEndConfig, Windows};

use crate::data::Track;
use crate::embed::track_vector;
use crate::error::Result;
use crate::evaluate::{Labelled, Retrieval, retrieval};
use crate::model::Encoder;

/// Few windows of each track: enough to tell steps from each other.
#[derive(Debug)]
pub struct Judge {
    front_end: FrontEndConfig,
    tracks: Vec<(Windows, Option<String>, String)>,
}

impl Judge {
    /// Of these tracks, `windows` of each at most; of very many, such as lie evenly among them.
    ///
    /// # Errors
    /// As [`TrackPower::read`](crate::data::TrackPower::read).
    pub fn new(tracks: &[Track], front_end: &FrontEndConfig, windows: usize) -> Result<Self> {
        let front_end = FrontEndConfig { max_windows: windows, segment_windows: 1, ..front_end.clone() };
        let (labelled, others): (Vec<&Track>, Vec<&Track>) =
            tracks.iter().partition(|track| track.entry.genre.is_some());
        let mut kept = Vec::new();
        for track in spread(&labelled, MOST_LABELLED).chain(spread(&others, MOST_UNLABELLED)) {
            let Some(windows) = track.power.windows(&front_end)? else { continue };
            kept.push((windows, track.entry.genre.clone(), track.entry.artist.clone()));
        }
        Ok(Self { front_end, tracks: kept })
    }

    /// Retrieval among those with a genre, and the variance of all vectors: 1 for an even sphere, 0 for one point. What
    /// training sees of a batch is spread by batch normalisation; these are as they are served.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch), [`Error::NotFinite`](crate::Error::NotFinite).
    pub fn judge(&self, encoder: &Encoder) -> Result<(Retrieval, f64)> {
        let mut vectors = Vec::with_capacity(self.tracks.len());
        for (windows, _, _) in &self.tracks {
            vectors.push(track_vector(encoder, windows, &self.front_end)?);
        }
        let labelled: Vec<Labelled<'_>> = vectors
            .iter()
            .zip(&self.tracks)
            .filter_map(|(vector, (_, genre, artist))| Some(Labelled { vector, genre: genre.as_deref()?, artist }))
            .collect();
        Ok((retrieval(&labelled)?, variance(&vectors)))
    }
}

/// Tracks that are asked with at most: their windows stay in memory, and are embedded at every look.
const MOST_LABELLED: usize = 1000;

/// Tracks without a genre at most, which only the variance looks at.
const MOST_UNLABELLED: usize = 200;

/// At most `count`, evenly.
fn spread<'a, 'b>(tracks: &'a [&'b Track], count: usize) -> impl Iterator<Item = &'b Track> + use<'a, 'b> {
    let kept = tracks.len().min(count);
    (0..kept).map(move |number| tracks[number * tracks.len() / kept])
}

/// Of unit vectors: 1 less the squared length of their mean. 1 where there are none.
fn variance(vectors: &[Vec<f32>]) -> f64 {
    let mean = |dimension: usize| {
        vectors.iter().map(|vector| f64::from(vector[dimension])).sum::<f64>() / vectors.len() as f64
    };
    1.0 - (0..vectors.first().map_or(0, Vec::len)).map(|dimension| mean(dimension).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_tracks_some_are_looked_at_from_all_over() {
        let tracks: Vec<Track> = (0..10).map(|number| crate::data::example::track(None, &number.to_string())).collect();
        let tracks: Vec<&Track> = tracks.iter().collect();
        let kept = |count| spread(&tracks, count).map(|track| track.entry.artist.clone()).collect::<Vec<_>>();
        assert_eq!(kept(4), ["0", "2", "5", "7"]);
        assert_eq!(kept(20).len(), 10);
        assert_eq!(spread(&[], 4).count(), 0);
    }

    #[test]
    fn variance_by_hand() {
        assert_eq!(variance(&[vec![1.0, 0.0], vec![1.0, 0.0]]), 0.0);
        assert_eq!(variance(&[vec![1.0, 0.0], vec![-1.0, 0.0]]), 1.0);
        assert_eq!(variance(&[vec![1.0, 0.0], vec![0.0, 1.0]]), 0.5);
        assert_eq!(variance(&[]), 1.0);
    }
}
