//! What is kept of models, and how long.

use index::catalogue::{KnownModel, ModelState};
use index::{Catalogue, Store, WriteLock};
use jiff::Timestamp;

use super::config::KeepConfig;
use crate::library::serving::EmbeddingId;

const DAY_SECONDS: i64 = 24 * 3600;

/// Forgets models that are neither among the last that served nor were refused lately. Returns which.
///
/// # Errors
/// As all that writes to the store.
pub fn collect(
    store: &Store,
    catalogue: &mut Catalogue,
    keep: &KeepConfig,
    lock: &WriteLock,
) -> anyhow::Result<Vec<String>> {
    let serving = catalogue.serving_model()?.unwrap_or_default();
    let (models, with_vectors) = (catalogue.models()?, catalogue.models_with_vectors()?);
    let outdated = outdated(&models, &serving, keep, Timestamp::now().as_second());
    for model in &outdated {
        let id = EmbeddingId::parse(model).model;
        let others = models.iter().map(|other| other.model_id.as_str()).chain(with_vectors.iter().map(String::as_str));
        let is_shared =
            others.chain([serving.as_str()]).any(|other| other != model && EmbeddingId::parse(other).model == id);
        if is_shared {
            // Another coverage of the same model goes on with its files.
            catalogue.commit(|writer| writer.remove_model(model))?;
        } else {
            store.forget_model(catalogue, model, &store.model_folder(&id), lock)?;
        }
    }
    Ok(outdated)
}

fn outdated(models: &[KnownModel], serving: &str, keep: &KeepConfig, now: i64) -> Vec<String> {
    let others = |state| models.iter().filter(move |model| model.state == state && model.model_id != serving);
    let adopted: Vec<&KnownModel> = others(ModelState::Adopted).collect();
    let surplus = adopted.len().saturating_sub(keep.models.saturating_sub(1));
    let limit = i64::from(keep.refused_days) * DAY_SECONDS;
    // A clock that was set back makes nothing old.
    let old = others(ModelState::Refused).filter(|model| now - model.at > limit);
    adopted[..surplus].iter().copied().chain(old).map(|model| model.model_id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_that_served_are_kept_and_refused_ones_for_a_while() {
        let model = |id: &str, state, at| KnownModel { model_id: id.into(), state, at };
        let models = [
            model("a", ModelState::Adopted, 1),
            model("b", ModelState::Refused, 2),
            model("c", ModelState::Adopted, 3),
            model("d", ModelState::Adopted, 4),
            model("e", ModelState::Refused, 10 * DAY_SECONDS),
        ];
        let keep = KeepConfig { models: 2, refused_days: 7 };
        assert_eq!(outdated(&models, "d", &keep, 11 * DAY_SECONDS), ["a", "b"]);
        // After a rollback the oldest one serves.
        assert_eq!(outdated(&models, "a", &keep, 0), ["c"]);
        assert_eq!(outdated(&models, "d", &KeepConfig { models: 1, ..keep }, 0), ["a", "c"]);
    }
}
