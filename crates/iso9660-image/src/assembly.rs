//! The parts of an image, put one behind the other as they are written.

use std::sync::Arc;

use extent_image::{Data, Plan, PlanBuilder, PlanError, Source};

use crate::role;
use crate::units::Lba;

/// A plan that grows part by part. Parts come in the order in which they lie; a
/// [region](crate::Region) is put in by itself where its turn comes, for it may lie between any two.
pub(crate) struct Assembly<'a> {
    builder: PlanBuilder,
    /// Not put in yet.
    region: Option<(Lba, &'a Plan)>,
}

impl<'a> Assembly<'a> {
    pub(crate) fn new(region: Option<(Lba, &'a Plan)>) -> Self {
        Self { builder: PlanBuilder::new(), region }
    }

    /// Zeros up to the offset at which the next part begins, and the region if it lies before.
    pub(crate) fn seek(&mut self, to: u64) -> Result<(), PlanError> {
        if let Some((at, content)) = self.region.take_if(|(at, _)| at.byte_offset() < to) {
            self.builder.zero_to(role::SLACK, at.byte_offset())?;
            self.builder.plan(content)?;
        }
        self.builder.zero_to(role::SLACK, to)
    }

    pub(crate) fn bytes(&mut self, role: &'static str, bytes: Vec<u8>) -> Result<(), PlanError> {
        self.builder.bytes(role, bytes)
    }

    pub(crate) fn source(
        &mut self,
        role: &'static str,
        source: Arc<dyn Source>,
    ) -> Result<(), PlanError> {
        self.builder.source(role, source)
    }

    pub(crate) fn source_part(
        &mut self,
        role: &'static str,
        source: &Arc<dyn Source>,
        from: u64,
        len: u64,
    ) -> Result<(), PlanError> {
        self.builder.source_part(role, Arc::clone(source), from, len)
    }

    pub(crate) fn data(&mut self, role: &'static str, data: &Data) -> Result<(), PlanError> {
        self.builder.data(role, data)
    }

    pub(crate) fn zero_to(&mut self, role: &'static str, to: u64) -> Result<(), PlanError> {
        self.builder.zero_to(role, to)
    }

    pub(crate) fn zero(&mut self, role: &'static str, len: u64) -> Result<(), PlanError> {
        self.builder.zero(role, len)
    }

    pub(crate) fn finish(self) -> Plan {
        self.builder.finish()
    }
}
