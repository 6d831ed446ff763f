//! An opened image.

use std::io::{Read, Seek};

use crate::check::boot::{self, FoundBootEntry};
use crate::check::descriptor::{Descriptors, VolumeFacts};
use crate::check::extents::Extents;
use crate::check::fault::{Fault, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::check::path_table;
use crate::check::survey::Survey;
use crate::check::udf_survey;
use crate::check::udf_volume::{Udf, UdfFacts};
use crate::check::walk::{Entry, FileReader, Walk};
use crate::report::{RecordTree, TreeKind};
use crate::units::{Lba, SECTOR};

/// An ISO 9660 image, ours or not, to be read or checked.
///
/// ```no_run
/// use iso9660_image::{TreeKind, check::Image};
///
/// let mut image = Image::open(std::fs::File::open("disc.iso")?)?;
/// println!("{} has {} sectors", image.volume().label, image.volume().sectors);
/// for entry in image.walk(TreeKind::Joliet)? {
///     println!("{}", entry?.path());
/// }
/// for fault in image.check()? {
///     println!("{fault}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Image<R> {
    medium: Medium<R>,
    descriptors: Descriptors,
    volume: VolumeFacts,
    joliet: Option<VolumeFacts>,
    udf: Option<Udf>,
    boot_entries: Vec<FoundBootEntry>,
}

impl<R: Read + Seek> Image<R> {
    /// Reads the volume descriptors and the boot catalog.
    ///
    /// # Errors
    /// [`ReadError`]: the bytes cannot be read, or are no ISO 9660 image.
    pub fn open(reader: R) -> Result<Self, ReadError> {
        let mut medium = Medium::new(reader)?;
        let descriptors = Descriptors::read(&mut medium)?;
        let boot_entries = match descriptors.catalog {
            Some((_, lba)) => boot::entries(&mut medium, lba, &mut Faults::default())?,
            None => Vec::new(),
        };
        let volume = descriptors.primary.facts(RecordTree::Primary);
        let joliet = descriptors.joliet.as_ref().map(|found| found.facts(RecordTree::Joliet));
        let udf = Udf::find(&mut medium, descriptors.volume(), &mut Faults::default())?;
        Ok(Self { medium, descriptors, volume, joliet, udf, boot_entries })
    }

    /// What the primary descriptor says.
    pub fn volume(&self) -> &VolumeFacts {
        &self.volume
    }

    /// What the Joliet descriptor says; `None` without Joliet.
    pub fn joliet(&self) -> Option<&VolumeFacts> {
        self.joliet.as_ref()
    }

    /// What the UDF descriptors say; `None` without UDF, or when they do not lead to a file set.
    pub fn udf(&self) -> Option<&UdfFacts> {
        self.udf.as_ref().map(|udf| &udf.facts)
    }

    /// Where the boot catalog lies; `None` when the image boots nothing.
    pub fn boot_catalog(&self) -> Option<Lba> {
        self.descriptors.catalog.map(|(_, lba)| Lba::new(lba))
    }

    /// The entries of the boot catalog, the default entry first.
    pub fn boot_entries(&self) -> &[FoundBootEntry] {
        &self.boot_entries
    }

    /// Every file and directory of one tree.
    ///
    /// # Errors
    /// [`ReadError::NoTree`], or the root directory cannot be read.
    pub fn walk(&mut self, tree: TreeKind) -> Result<Walk<'_, R>, ReadError> {
        let missing = ReadError::NoTree { tree };
        let records = match tree {
            TreeKind::Primary => RecordTree::Primary,
            TreeKind::Joliet => RecordTree::Joliet,
            TreeKind::Udf => {
                return Walk::udf(&mut self.medium, self.udf.as_ref().ok_or(missing)?);
            }
        };
        let found = self.descriptors.of(records).ok_or(missing)?;
        Walk::records(&mut self.medium, records, &found.raw.root.record)
    }

    /// The content of a file of this image, from its first byte. Reading over the end of the image
    /// is an error; a directory gives its records.
    pub fn open_file(&mut self, entry: &Entry) -> FileReader<'_, R> {
        FileReader::new(&mut self.medium, entry)
    }

    /// Holds the whole structure against the standards; the content of files is not read, but for
    /// the boot info table. The faults are in the order of the search, at most some ten thousand.
    ///
    /// # Errors
    /// [`ReadError::Io`]. What an image says is never an error here, but a fault.
    pub fn check(&mut self) -> Result<Vec<Fault>, ReadError> {
        let mut faults = Faults::default();
        let image_len = self.medium.len();
        self.descriptors.check(image_len, &mut faults);
        let sectors = self.descriptors.sectors(image_len);
        let mut extents = Extents::new(sectors);
        extents.add_descriptors(self.descriptors.end);
        let mut listings = Vec::new();
        for tree in [RecordTree::Primary, RecordTree::Joliet] {
            let Some(found) = self.descriptors.of(tree) else { continue };
            let survey = Survey::take(&mut self.medium, tree, found, &mut extents, &mut faults)?;
            path_table::check(&mut self.medium, found, &survey, &mut extents, &mut faults)?;
            listings.push((tree, survey.listing));
        }
        // Again, for its faults.
        let udf = Udf::find(&mut self.medium, self.descriptors.volume(), &mut faults)?;
        if let Some(udf) = udf {
            let found = udf_survey::take(&mut self.medium, &udf, &mut extents, &mut faults)?;
            let root = udf.sector(udf.root).saturating_mul(SECTOR);
            for (tree, listing) in &listings {
                let same_names = *tree == RecordTree::Joliet;
                found.compare(listing, (*tree).into(), same_names, root, &mut faults);
            }
        }
        if let Some((position, catalog)) = self.descriptors.catalog {
            extents.add_catalog(position, catalog, &mut faults);
            let entries = boot::entries(&mut self.medium, catalog, &mut faults)?;
            boot::check_images(&mut self.medium, &entries, &extents, &mut faults)?;
        }
        extents.check(&mut faults);
        Ok(faults.finish())
    }
}
