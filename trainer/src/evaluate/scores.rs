//! What an evaluation found. Plain data: the command line prints it as a table, writes it as JSON
//! and hands it to the report.

use serde::{Deserialize, Serialize};

/// Version of the JSON that this program writes.
pub const EVALUATION_FORMAT_VERSION: u32 = 1;

/// Several systems on the same tracks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Version of this format.
    pub format_version: u32,
    /// Which tracks, by which split, under which rules: one sentence for a reader.
    pub protocol: String,
    /// Number of tracks.
    pub tracks: usize,
    /// Number of artists.
    pub artists: usize,
    /// The model that is judged first, then the baselines, then peers.
    pub systems: Vec<SystemScores>,
    /// Which genre the neighbours of a track vote for, by the judged model.
    pub confusion: Confusion,
    /// The judged model's space in two dimensions.
    pub map: Vec<MapPoint>,
}

impl Evaluation {
    /// Of no track: where a model could not be judged.
    pub fn of_nothing(protocol: &str) -> Self {
        Self {
            format_version: EVALUATION_FORMAT_VERSION,
            protocol: protocol.to_owned(),
            tracks: 0,
            artists: 0,
            systems: Vec::new(),
            confusion: Confusion::default(),
            map: Vec::new(),
        }
    }
}

/// What one system reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemScores {
    /// Name for a table: `model ab67d803`, `MFCC`, `random weights`, a peer's file name.
    pub name: String,
    /// A query never finds its own artist.
    pub filtered: RetrievalScores,
    /// A query finds whatever is not itself.
    pub unfiltered: RetrievalScores,
    /// The judged model's area under the curve minus this system's, artist filter on, with the
    /// interval of the paired difference. `None` for the judged model.
    pub area_under_curve_lead: Option<Interval>,
    /// Share of tracks whose first half finds its own second half first (R@1). `None` where the
    /// system came as a table of vectors.
    pub other_half_recall: Option<f64>,
    /// Who is returned how often.
    pub hubness: Hubness,
    /// One row a degradation; empty where the system came as a table of vectors.
    pub robustness: Vec<RobustnessRow>,
}

/// A figure with its 95 % interval, bootstrapped over artists within each genre.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The figure on all tracks.
    pub value: f64,
    /// 2.5 % quantile.
    pub low: f64,
    /// 97.5 % quantile.
    pub high: f64,
}

/// Retrieval of tracks of the query's genre, averaged within each genre, then over genres.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetrievalScores {
    /// Share of same-genre tracks among the nearest k.
    pub precision_at: Vec<PrecisionAt>,
    /// Mean average precision.
    pub mean_average_precision: Interval,
    /// Share of tracks whose nearest neighbours vote for their genre.
    pub knn_accuracy: Interval,
    /// Chance that a track of the query's genre ranks above one of another.
    pub area_under_curve: Interval,
    /// Queries that had something to find.
    pub queries: usize,
    /// The same, genre by genre.
    pub genres: Vec<GenreScores>,
}

/// Precision at k.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionAt {
    /// Number of neighbours looked at.
    pub k: usize,
    /// The precision.
    pub precision: Interval,
}

/// One genre's part in the averages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenreScores {
    /// The genre.
    pub genre: String,
    /// Queries that had something to find.
    pub queries: usize,
    /// Artists of these queries.
    pub artists: usize,
    /// Mean average precision.
    pub mean_average_precision: f64,
    /// Vote of the nearest neighbours.
    pub knn_accuracy: f64,
    /// Area under the curve.
    pub area_under_curve: f64,
}

/// How evenly tracks are returned (Radovanović et al. 2010, Schnitzer et al. 2012).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hubness {
    /// Length of the neighbour lists that are counted.
    pub k: usize,
    /// Skewness of the number of lists that a track stands in; 0: even.
    pub skewness: f64,
    /// Share of tracks that stand in no list.
    pub never_returned: f64,
    /// The largest number of lists that one track stands in.
    pub largest: usize,
}

/// What a degraded copy finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustnessRow {
    /// What was done to the copy.
    pub degradation: String,
    /// Number of copies.
    pub queries: usize,
    /// Share of copies whose own original is nearest (R@1).
    pub own_first: f64,
    /// Share of the clean query's five nearest other tracks that the copy's five hold as well.
    pub top5_overlap: f64,
}

/// Votes of the nearest neighbours: rows are true genres, columns voted ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Genres in the order of rows and columns.
    pub genres: Vec<String>,
    /// Number of tracks, row by row.
    pub counts: Vec<Vec<usize>>,
}

/// A track on the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapPoint {
    /// Horizontal place; the map fits [−1, 1] × [−1, 1].
    pub x: f64,
    /// Vertical place.
    pub y: f64,
    /// Genre; `None` where unknown.
    pub genre: Option<String>,
    /// Artist and title, or the file's name.
    pub label: String,
}

/// What was told while a stage ran, for the report's curves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StageCurve {
    /// Name of the stage: `classify`, `triplet`.
    pub stage: String,
    /// Points in the order of steps.
    pub points: Vec<CurvePoint>,
    /// Step whose weights were kept.
    pub kept_step: usize,
    /// What a stage that predicts hidden patches made of some windows; too large for a file of figures.
    #[serde(skip)]
    pub reconstructions: Vec<Reconstruction>,
}

/// A window as a masked-patch stage saw it: for the report's picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reconstruction {
    /// Artist and title, or the file's name.
    pub label: String,
    /// Frames of the window: rows of what follows.
    pub frames: usize,
    /// How long they last.
    pub seconds: f64,
    /// Mel bands.
    pub bands: usize,
    /// Log-mel values in dB, frames × bands, row-major.
    pub input: Vec<f32>,
    /// Whether a value was hidden from the encoder, frames × bands.
    pub hidden: Vec<bool>,
    /// What the decoder predicts, frames × bands in dB; where nothing was hidden, the input itself.
    pub predicted: Vec<f32>,
}

/// A look at a running stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Steps done.
    pub step: usize,
    /// Mean loss since the point before.
    pub loss: f64,
    /// Loss of crops of the validation tracks, by the weights that are judged; `None` where there are none.
    #[serde(default)]
    pub validation_loss: Option<f64>,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Share of all triplets of a batch that violate the margin; `None` in stages without triplets.
    pub active_triplets: Option<f64>,
    /// Variance of the validation tracks' vectors: 1 is a sphere filled evenly, 0 is collapse.
    pub embedding_variance: Option<f64>,
    /// Mean average precision among the validation artists; `None` where nothing was validated.
    pub mean_average_precision: Option<f64>,
    /// Area under the curve among the validation artists.
    pub area_under_curve: Option<f64>,
}
