//! What is asked of a Milvus server: its collections, what is in them, and what is near to a vector.

use std::collections::HashMap;

use ::milvus::v2 as sdk;
use sdk::prelude::{
    AlterAliasRequest, CreateAliasRequest, CreateCollectionRequest, CreateIndexRequest, DeleteRequest,
    DescribeCollectionRequest, DropAliasRequest, DropCollectionRequest, FlushRequest, HasCollectionRequest,
    InsertRequest, ListCollectionsRequest, LoadCollectionRequest, QueryRequest, ReleaseCollectionRequest,
    SearchRequest, UpsertRequest,
};
use sdk::{
    CollectionSchema, ConsistencyLevel, DataType, FieldData, FieldSchema, Ids, IndexParam, IndexType, MetricType,
    SearchVectors,
};

use super::Milvus;
use super::expression::{UNKNOWN_SECONDS, UNKNOWN_YEAR, key, stored_path};
use crate::choose::Layout;
use crate::error::Result;
use crate::track::{TrackId, TrackRecord};

/// Bytes of a text that a collection keeps, which its server wants to know.
pub(super) const LONGEST_NAME: usize = 1024;

/// The same of a path: Linux takes no longer ones.
pub(super) const LONGEST_PATH: usize = 4096;

/// Rows in a message: of the longest paths, it stays below the 64 MiB that the server takes.
pub(super) const ROWS_IN_MESSAGE: usize = 4096;

/// Milvus gives no more neighbours of a vector at once.
pub(super) const MOST_AT_ONCE: usize = 16_384;

/// Milliseconds that an index or a load of any size may take.
const LONG: i64 = 48 * 3600 * 1000;

/// How rows come into a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// None of them is there.
    New,
    /// In the place of those that may be there.
    Replacing,
}

/// What is looked for.
pub(super) struct Nearest {
    /// Rows that are asked with.
    pub queries: Vec<Vec<f32>>,
    /// What tracks have to be; empty: anything.
    pub expression: String,
    /// Tracks for each query at most.
    pub count: usize,
    /// Inverted lists that are looked through.
    pub probes: usize,
}

impl Milvus {
    pub(super) fn collections(&self) -> Result<Vec<String>> {
        let names = self.ask("listing collections", |client| async move {
            client.list_collections(ListCollectionsRequest::builder().build()?).await
        })?;
        Ok(names.collection_names().to_vec())
    }

    /// The aliases of a collection; none where it is not there.
    pub(super) fn aliases(&self, name: &str) -> Result<Vec<String>> {
        let has = HasCollectionRequest::builder().collection_name(name).build();
        let describe = DescribeCollectionRequest::builder().collection_name(name).build();
        self.ask("looking for a collection", |client| async move {
            match client.has_collection(has?).await?.exists() {
                true => Ok(client.describe_collection(describe?).await?.description().get_aliases().to_vec()),
                false => Ok(Vec::new()),
            }
        })
    }

    pub(super) fn add_alias(&self, name: &str, alias: &str) -> Result<()> {
        let request = CreateAliasRequest::builder().alias(alias).collection_name(name).build();
        self.ask("marking a collection", |client| async move { client.create_alias(request?).await })
    }

    pub(super) fn drop_alias(&self, alias: &str) -> Result<()> {
        let request = DropAliasRequest::builder().alias(alias).build();
        self.ask("marking a collection", |client| async move { client.drop_alias(request?).await })
    }

    pub(super) fn create(&self, name: &str, row_length: usize) -> Result<()> {
        let text = |name: &str, longest: usize| {
            FieldSchema::new().name(name).data_type(DataType::VarChar).max_length(longest as u32)
        };
        let number = |name: &str, data_type| FieldSchema::new().name(name).data_type(data_type);
        let schema = CollectionSchema::new()
            .add_field(number("id", DataType::Int64).primary_key(true))
            .add_field(text("path", LONGEST_PATH))
            .add_field(text("artist", LONGEST_NAME))
            .add_field(text("album", LONGEST_NAME))
            .add_field(text("genre", LONGEST_NAME))
            .add_field(number("year", DataType::Int64))
            .add_field(number("seconds", DataType::Double))
            .add_field(number("row", DataType::FloatVector).dimension(row_length as u32));
        let request = CreateCollectionRequest::builder()
            .collection_name(name)
            .description("a generation of similar-tracks")
            .schema(schema)
            .consistency_level(self.consistency())
            .build();
        self.ask("creating a collection", |client| async move { client.create_collection(request?).await })
    }

    /// Builds the index of a collection and waits for it.
    pub(super) fn build_index(&self, name: &str, layout: &Layout) -> Result<()> {
        let (kind, parameters) = match layout.lists {
            0 => (IndexType::Flat, HashMap::new()),
            lists => (IndexType::IvfFlat, HashMap::from([("nlist".into(), lists.to_string())])),
        };
        let index = IndexParam::new()
            .field_name("row")
            .index_name("row")
            .index_type(kind)
            .metric_type(MetricType::Ip)
            .extra_params(parameters);
        let request =
            CreateIndexRequest::builder().collection_name(name).index_param(index).sync(true).timeout_ms(LONG).build();
        self.ask("building an index", |client| async move { client.create_index(request?).await })
    }

    /// Makes what was put into a collection lie on disk, in parts that an index is built of.
    pub(super) fn flush(&self, name: &str) -> Result<()> {
        let request = FlushRequest::builder().collection_names([name]).wait_flushed_ms(LONG).build();
        self.ask("flushing", |client| async move { client.flush(request?).await }).map(|_| ())
    }

    /// Brings a collection into the server's memory and waits for it.
    pub(super) fn load(&self, name: &str) -> Result<()> {
        let request = LoadCollectionRequest::builder().collection_name(name).sync(true).timeout_ms(LONG).build();
        self.ask("loading a collection", |client| async move { client.load_collection(request?).await })
    }

    pub(super) fn release(&self, name: &str) -> Result<()> {
        let request = ReleaseCollectionRequest::builder().collection_name(name).build();
        self.ask("releasing a collection", |client| async move { client.release_collection(request?).await })
    }

    pub(super) fn drop_collection(&self, name: &str) -> Result<()> {
        // Later versions drop none that has aliases.
        self.aliases(name)?.iter().try_for_each(|alias| self.drop_alias(alias))?;
        let request = DropCollectionRequest::builder().collection_name(name).build();
        self.ask("dropping a collection", |client| async move { client.drop_collection(request?).await })
    }

    /// Puts the alias on a collection.
    pub(super) fn set_alias(&self, name: &str) -> Result<()> {
        let (alias, name) = (self.config.collection.clone(), name.to_owned());
        self.ask("naming the collection that serves", |client| async move {
            let alter = AlterAliasRequest::builder().alias(&alias).collection_name(&name).build()?;
            if client.alter_alias(alter).await.is_ok() {
                return Ok(());
            }
            // There is none yet; what else is wrong is told now.
            client.create_alias(CreateAliasRequest::builder().alias(alias).collection_name(name).build()?).await
        })
    }

    /// Puts tracks and their rows, one after the other, into a collection.
    pub(super) fn put(&self, name: &str, records: &[TrackRecord], rows: &[f32], put: Put) -> Result<()> {
        let row_length = rows.len() / records.len().max(1);
        let parts = records.chunks(ROWS_IN_MESSAGE).zip(rows.chunks(ROWS_IN_MESSAGE * row_length.max(1)));
        for (records, rows) in parts {
            let columns = columns(records, rows, row_length);
            let insert = InsertRequest::builder().collection_name(name).columns(columns).build();
            self.ask("putting tracks", |client| async move {
                match put {
                    Put::New => client.insert(insert?).await.map(|_| ()),
                    Put::Replacing => {
                        client.upsert(UpsertRequest::builder().insert(insert?).build()?).await.map(|_| ())
                    }
                }
            })?;
        }
        Ok(())
    }

    pub(super) fn delete(&self, name: &str, tracks: &[TrackId]) -> Result<()> {
        for part in tracks.chunks(ROWS_IN_MESSAGE) {
            // By their numbers as such, the server deletes nothing before version 2.4.
            let filter = super::expression::one_of(part.iter().copied());
            let request = DeleteRequest::builder().collection_name(name).filter(filter).build();
            self.ask("removing tracks", |client| async move { client.delete(request?).await })?;
        }
        Ok(())
    }

    /// Tracks of a collection, of all that was put before: whoever asks afterwards finds it too.
    pub(super) fn count(&self, name: &str) -> Result<usize> {
        self.counted(name, "", ConsistencyLevel::Strong)
    }

    /// About as many tracks as a condition holds for.
    pub(super) fn count_of(&self, name: &str, condition: &str) -> Result<usize> {
        self.counted(name, condition, self.consistency())
    }

    fn counted(&self, name: &str, condition: &str, consistency: ConsistencyLevel) -> Result<usize> {
        let request = QueryRequest::builder()
            .collection_name(name)
            .filter(condition)
            .output_fields(["count(*)"])
            .consistency_level(consistency)
            .build();
        self.ask("counting tracks", |client| async move {
            let answer = client.query(request?).await?;
            let row = answer.results().rows()?.next();
            let row = row.ok_or_else(|| sdk::error::Error::MalformedResponse("no count".into()))?;
            row.get_i64("count(*)")
        })
        .map(|count| count as usize)
    }

    /// For each query the nearest tracks and their products, largest first.
    pub(super) fn nearest(&self, name: &str, nearest: Nearest) -> Result<Vec<Vec<(TrackId, f32)>>> {
        let request = SearchRequest::builder()
            .collection_name(name)
            .vector_field("row")
            .vectors(SearchVectors::Float(nearest.queries))
            .filter(nearest.expression)
            .extra_params(HashMap::from([("nprobe".into(), nearest.probes.max(1).to_string())]))
            .limit(nearest.count as i64)
            .consistency_level(self.consistency())
            .build();
        let answer = self.ask("searching", |client| async move { client.search(request?).await })?;
        let found = answer.results().get_results().iter().map(|result| {
            let ids: &[i64] = match result.get_ids() {
                Ids::Int64(ids) => ids,
                _ => &[],
            };
            ids.iter().zip(result.get_scores()).map(|(id, score)| (TrackId(*id as u64), *score)).collect()
        });
        Ok(found.collect())
    }
}

fn columns(records: &[TrackRecord], rows: &[f32], row_length: usize) -> Vec<FieldData> {
    let names = |name: fn(&TrackRecord) -> Option<&String>| {
        records.iter().map(|record| key(name(record).map_or("", String::as_str))).collect()
    };
    let years = records.iter().map(|record| record.file.year.map_or(UNKNOWN_YEAR, i64::from));
    let seconds = records.iter().map(|record| record.file.duration_seconds.unwrap_or(UNKNOWN_SECONDS));
    vec![
        FieldData::int64("id", records.iter().map(|record| record.id.0 as i64).collect()),
        FieldData::varchar("path", records.iter().map(|record| stored_path(&record.file.path)).collect()),
        FieldData::varchar("artist", names(|record| record.file.artist.as_ref())),
        FieldData::varchar("album", names(|record| record.file.album.as_ref())),
        FieldData::varchar("genre", names(|record| record.file.genre.as_ref())),
        FieldData::int64("year", years.collect()),
        FieldData::double("seconds", seconds.collect()),
        FieldData::float_vector("row", rows.chunks(row_length).map(<[f32]>::to_vec).collect()),
    ]
}
