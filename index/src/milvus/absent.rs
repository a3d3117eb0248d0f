//! What stands for Milvus in a program that was built without it.

use std::convert::Infallible;
use std::path::Path;

use crate::backend::MilvusConfig;
use crate::catalogue::Catalogue;
use crate::contents::Contents;
use crate::error::{Error, Result};
use crate::generation::{Collection, GenerationManifest};
use crate::store::Store;

/// There is none.
#[derive(Debug)]
pub(crate) struct Milvus(Infallible);

impl Milvus {
    pub fn new(_: MilvusConfig) -> Result<Self> {
        Err(Error::WithoutMilvus)
    }

    pub fn prefix(&self, _: &Catalogue) -> Result<String> {
        match self.0 {}
    }

    pub fn open(&self, _: &Path, _: &GenerationManifest, _: &Collection) -> Result<Contents> {
        match self.0 {}
    }

    pub fn verify(&self, _: &Path, _: &GenerationManifest, _: &Collection) -> Result<()> {
        match self.0 {}
    }

    pub fn prepare(&self, _: &Store, _: &Catalogue, _: &str) -> Result<Option<u64>> {
        match self.0 {}
    }

    pub fn build_anew(&self, _: &Store, _: &Catalogue, _: &str) -> Result<Option<u64>> {
        match self.0 {}
    }

    pub fn name_serving(&self, _: &Store, _: &Catalogue, _: &GenerationManifest) -> Result<()> {
        match self.0 {}
    }

    pub fn sweep(&self, _: &Store, _: &Catalogue) -> Result<()> {
        match self.0 {}
    }
}
