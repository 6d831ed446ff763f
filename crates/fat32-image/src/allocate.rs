//! Clusters for folders and files: one run each, and the runs touch.

use extent_image::{NodeId, Tree};

use crate::survey::{Survey, folder_clusters};
use crate::units::{Cluster, ClusterSize, FatType};

/// Where each file and folder of a tree lies.
#[derive(Debug)]
pub(crate) struct Placements {
    /// By [`NodeId::index`]: first cluster and length in bytes.
    places: Vec<(Cluster, u32)>,
    /// The first cluster that is free.
    end: Cluster,
}

impl Placements {
    /// Gives clusters from 2 on to the folders, then to the files. Beside the places: for each run of
    /// clusters the one after its last, ascending.
    pub(crate) fn new(
        tree: &Tree,
        survey: &Survey,
        fat_type: FatType,
        size: ClusterSize,
    ) -> (Self, Vec<Cluster>) {
        let mut places = vec![(Cluster::NONE, 0); tree.len()];
        let runs = survey.folders.len().saturating_add(survey.files.len());
        let mut ends = Vec::with_capacity(runs);
        let mut next = Cluster::FIRST;
        let folders = survey.folders.iter();
        let folders =
            folders.map(|(id, len)| (*id, *len, folder_clusters(*id, *len, fat_type, size)));
        let files = survey.files.iter().map(|id| {
            let len = tree.data(*id).map_or(0, |data| data.len());
            (*id, len, size.clusters_of(len))
        });
        for (id, len, clusters) in folders.chain(files) {
            let first = if clusters == 0 { Cluster::NONE } else { next };
            if let Some(place) = places.get_mut(id.index()) {
                // The survey refused files of 4 GiB and directories of more than 2 MiB.
                *place = (first, u32::try_from(len).unwrap_or(u32::MAX));
            }
            if clusters > 0 {
                next = next.after(clusters);
                ends.push(next);
            }
        }
        (Self { places, end: next }, ends)
    }

    /// The first cluster; [`Cluster::NONE`] for an empty file and for the root of FAT16.
    pub(crate) fn first(&self, id: NodeId) -> Cluster {
        self.places.get(id.index()).map_or(Cluster::NONE, |(first, _)| *first)
    }

    /// Length in bytes; for a folder, that of its slots.
    pub(crate) fn len(&self, id: NodeId) -> u32 {
        self.places.get(id.index()).map_or(0, |(_, len)| *len)
    }

    /// The first cluster that is free.
    pub(crate) fn end(&self) -> Cluster {
        self.end
    }
}
