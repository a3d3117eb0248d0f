//! The card of a trained model.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use trainer::card::{TrainingRecord, artist_digest};
use trainer::config::StageName;
use trainer::data::{Entry, Track};
use trainer::evaluate::Retrieval;
use trainer::evaluate::scores::SystemScores;
use trainer::run::FinishedStage;
use trainer::stage::Teachers;
use trainer::{ModelCard, TrainConfig};

/// What a model was trained on.
pub struct Origin<'a> {
    /// Settings of the run.
    pub config: &'a TrainConfig,
    /// Digest of the manifest.
    pub manifest_digest: &'a str,
    /// Tracks trained on.
    pub training: &'a [Track],
    /// Tracks of the validation artists.
    pub validation: &'a [Track],
    /// Files of tracks that listeners said something of which it learnt.
    pub said_of: &'a HashSet<&'a Path>,
    /// The card of the model it was trained on from.
    pub before: Option<&'a TrainingRecord>,
    /// Whose vectors of the tracks were at hand.
    pub teachers: Option<Teachers<'a>>,
}

/// The card of the model that these stages, up to the last of them, have come to.
pub fn card(origin: &Origin<'_>, stages: &[FinishedStage]) -> anyhow::Result<ModelCard> {
    let Origin { config, training, .. } = *origin;
    let last = stages.last().ok_or_else(|| anyhow::anyhow!("no stage was run"))?;
    let artists: BTreeSet<&str> = training.iter().map(|track| track.entry.artist.as_str()).collect();
    let genres: BTreeSet<&String> = training.iter().filter_map(|track| track.entry.genre.as_ref()).collect();
    let of_before = |part: fn(&TrainingRecord) -> &[String]| origin.before.map_or(&[][..], part).iter().cloned();
    let heard = artists.iter().map(|artist| artist_digest(artist));
    let heard_artists: BTreeSet<String> = heard.chain(of_before(|before| &before.heard_artists)).collect();
    let is_told = config.tells_genres() || stages.iter().any(|stage| stage.name.is_told_of_tracks());
    let is_told_of = |entry: &Entry| is_told && (entry.genre.is_some() || origin.said_of.contains(&*entry.path));
    let told = training.iter().map(|track| &track.entry).filter(|entry| is_told_of(entry));
    let told = told.map(|entry| artist_digest(&entry.artist));
    let told_artists: BTreeSet<String> = told.chain(of_before(TrainingRecord::told)).collect();
    let has_learnt_from_it = stages.iter().any(|stage| stage.name == StageName::Distill);
    let teacher = origin.teachers.filter(|_| has_learnt_from_it).map(|teachers| teachers.training);
    let teacher = teacher.map(|teacher| format!("{} (table {})", teacher.name(), teacher.digest()));
    let teachers: BTreeSet<String> = of_before(|before| &before.teachers).chain(teacher).collect();
    let record = TrainingRecord {
        stages: stages.iter().map(|stage| stage.name.as_str().to_owned()).collect(),
        manifest_digest: origin.manifest_digest.to_owned(),
        training_tracks: training.len(),
        unlabelled_tracks: training.iter().filter(|track| track.entry.genre.is_none()).count(),
        training_artists: artists.len(),
        validation_tracks: origin.validation.iter().filter(|track| track.entry.genre.is_some()).count(),
        heard_artists: heard_artists.into_iter().collect(),
        told_artists: Some(told_artists.into_iter().collect()),
        genres: genres.into_iter().cloned().collect(),
        teachers: teachers.into_iter().collect(),
        steps: stages.iter().map(|stage| stage.curve.kept_step).sum(),
        seed: config.seed,
    };
    let mut metrics = BTreeMap::new();
    if last.validation.queries > 0 {
        let Retrieval { mean_average_precision, area_under_curve, .. } = last.validation;
        metrics.insert("stage_mean_average_precision".to_owned(), mean_average_precision);
        metrics.insert("stage_area_under_curve".to_owned(), area_under_curve);
    }
    let architecture = config.architecture.with_folded(true);
    Ok(ModelCard::new(&last.serving_weights, config.front_end.clone(), architecture, record, metrics)?)
}

/// Puts what the evaluation found into a card.
pub fn add_metrics(card: &mut ModelCard, scores: &SystemScores) {
    let filtered = &scores.filtered;
    for (name, interval) in [
        ("mean_average_precision", filtered.mean_average_precision),
        ("area_under_curve", filtered.area_under_curve),
        ("knn_accuracy", filtered.knn_accuracy),
    ] {
        for (suffix, value) in [("", interval.value), ("_low", interval.low), ("_high", interval.high)] {
            card.metrics.insert(format!("validation_{name}{suffix}"), value);
        }
    }
    card.metrics.extend(scores.other_half_recall.map(|recall| ("validation_other_half_recall".to_owned(), recall)));
}

#[cfg(test)]
mod tests {
    use audio_frontend::logmel::MelPower;
    use trainer::data::TrackPower;
    use trainer::evaluate::scores::StageCurve;
    use trainer::stage::fit::Ended;

    use super::*;

    /// Whom a model was told of that learnt from tracks by a, whose genre is known, b and c, of whose track something was
    /// said.
    fn told(stage: StageName, before: &TrainingRecord) -> Vec<String> {
        let config = TrainConfig { stages: vec![stage], ..Default::default() };
        let track = |artist: &str, genre: Option<&str>| Track {
            entry: Entry {
                path: artist.into(),
                artist: artist.into(),
                genre: genre.map(Into::into),
                ..Default::default()
            },
            power: TrackPower::Held(MelPower::from_rows(1, Vec::new())),
        };
        let origin = Origin {
            config: &config,
            manifest_digest: "",
            training: &[track("a", Some("folk")), track("b", None), track("c", None)],
            validation: &[],
            said_of: &HashSet::from([Path::new("c")]),
            before: Some(before),
            teachers: None,
        };
        let finished = FinishedStage {
            name: stage,
            serving_weights: b"weights".to_vec(),
            validation: Retrieval { mean_average_precision: 0.0, area_under_curve: 0.0, queries: 0 },
            curve: StageCurve::default(),
            ended: Ended::AllSteps,
        };
        card(&origin, &[finished]).unwrap().training.told().to_vec()
    }

    #[test]
    fn a_model_was_told_of_artists_with_genres_or_preferences_alone() {
        let digests = |artists: &[&str]| artists.iter().map(|artist| artist_digest(artist)).collect::<BTreeSet<_>>();
        let found = |stage, before: &TrainingRecord| told(stage, before).into_iter().collect::<BTreeSet<_>>();
        let heard = TrainingRecord {
            stages: vec!["distill".into()],
            heard_artists: digests(&["b", "d", "e"]).into_iter().collect(),
            ..Default::default()
        };
        assert_eq!(found(StageName::Triplet, &heard), digests(&["a", "c"]));
        assert!(found(StageName::Simclr, &heard).is_empty());
        let told_of_one = TrainingRecord { told_artists: Some(digests(&["d"]).into_iter().collect()), ..heard };
        assert_eq!(found(StageName::Triplet, &told_of_one), digests(&["a", "c", "d"]));
    }
}
