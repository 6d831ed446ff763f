//! An opened image.

use std::io::{Read, Seek};

use crate::check::boot::{self, FoundBootEntry};
use crate::check::boot_image;
use crate::check::compare::{compare, name_at};
use crate::check::descriptor::{Descriptors, VolumeFacts};
use crate::check::extents::Extents;
use crate::check::fault::{Fault, FaultKind, Faults};
use crate::check::listing::Listing;
use crate::check::medium::{Medium, ReadError};
use crate::check::path_table;
use crate::check::rock_ridge::RockRidge;
use crate::check::rock_survey::RockSurvey;
use crate::check::survey::Survey;
use crate::check::system_area;
use crate::check::udf_survey;
use crate::check::udf_volume::{Udf, UdfFacts};
use crate::check::walk::{Entry, FileReader, Walk};
use crate::report::{RecordTree, TreeKind};
use crate::units::Lba;

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
    rock_ridge: Option<RockRidge>,
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
        let root = &descriptors.primary.raw.root.record;
        let rock_ridge = RockRidge::find(&mut medium, root, &mut Faults::default())?;
        Ok(Self { medium, descriptors, volume, joliet, udf, rock_ridge, boot_entries })
    }

    /// The reader, for what is in no file; it may be left at any position.
    pub fn get_mut(&mut self) -> &mut R {
        self.medium.reader()
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

    /// True when the primary tree has Rock Ridge, to be read as [`TreeKind::RockRidge`].
    pub fn has_rock_ridge(&self) -> bool {
        self.rock_ridge.is_some()
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
            TreeKind::Primary | TreeKind::RockRidge => RecordTree::Primary,
            TreeKind::Joliet => RecordTree::Joliet,
            TreeKind::Udf => {
                return Walk::udf(&mut self.medium, self.udf.as_ref().ok_or(missing)?);
            }
        };
        let rock_ridge = match tree {
            TreeKind::RockRidge => Some(self.rock_ridge.ok_or(ReadError::NoTree { tree })?),
            _ => None,
        };
        let found = self.descriptors.of(records).ok_or(missing)?;
        Walk::records(&mut self.medium, records, rock_ridge, &found.raw.root.record)
    }

    /// The content of a file of this image, from its first byte. Reading over the end of the image
    /// is an error; a directory gives its records.
    pub fn open_file(&mut self, entry: &Entry) -> FileReader<'_, R> {
        FileReader::new(&mut self.medium, entry)
    }

    /// Holds the whole structure against the standards, and the trees against each other; the
    /// content of files is not read, but for the boot info table. The faults are in the order of the
    /// search, at most ten thousand.
    ///
    /// Trees that are there are held against each other two by two: the same files, by extent and
    /// length, in the same folders, and no names swapped. Beside UDF a disc may have a primary tree
    /// only because the format wants one (the install discs of Microsoft are so): when there is no
    /// Joliet, and the primary tree is empty or has nothing but a file `README.TXT`, it is not held
    /// against UDF.
    ///
    /// A folder whose path is too long to be followed is one fault: the path tables, counts and
    /// links that need it, and the other trees, are not held against its tree then.
    ///
    /// Memory: some 60 bytes are kept for each record or file identifier, which is 34 bytes or
    /// more; with the hashes of the names of a directory, and all that is needed for a while to
    /// compare two trees, no more than 200. Of each directory or UDF file entry, which has a sector
    /// of its own, another 150 and the name; of the extents of UDF files behind the first of each, 24
    /// bytes for each sector of the volume at most. The faults take at most 10 MB.
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
            let rock_ridge = match tree {
                RecordTree::Primary => {
                    let root = &found.raw.root.record;
                    // Again, for its faults.
                    let it = RockRidge::find(&mut self.medium, root, &mut faults)?;
                    it.map(|it| RockSurvey::new(it, root.extent.little(), image_len))
                }
                RecordTree::Joliet => None,
            };
            let medium = &mut self.medium;
            let survey = Survey::take(medium, tree, found, rock_ridge, &mut extents, &mut faults)?;
            path_table::check(&mut self.medium, found, &survey, &mut extents, &mut faults)?;
            listings.push(survey.listing);
        }
        // Again, for its faults.
        let udf = Udf::find(&mut self.medium, self.descriptors.volume(), &mut faults)?;
        if let Some(udf) = udf {
            let found = udf_survey::take(&mut self.medium, &udf, &mut extents, &mut faults)?;
            listings.push(found);
        }
        self.compare(&listings, &mut faults)?;
        if let Some((position, catalog)) = self.descriptors.catalog {
            extents.add_catalog(position, catalog, &mut faults);
            let entries = boot::entries(&mut self.medium, catalog, &mut faults)?;
            boot_image::check(&mut self.medium, &entries, &extents, &listings, &mut faults)?;
            for listing in listings.iter().filter(|listing| listing.tree != TreeKind::Udf) {
                for position in listing.empty_files_at(catalog) {
                    let name = name_at(&mut self.medium, listing.tree, position, &faults)?;
                    faults.add(position, FaultKind::EmptyOnCatalog { name });
                }
            }
        }
        system_area::check(&mut self.medium, &mut faults)?;
        extents.check(&mut faults);
        Ok(faults.finish())
    }
    /// Holds each two of the trees against each other, but for one that is only there beside UDF.
    fn compare(&mut self, listings: &[Listing], faults: &mut Faults) -> Result<(), ReadError> {
        if let [primary, udf] = listings
            && udf.tree == TreeKind::Udf
            && primary.is_stub()
        {
            return Ok(());
        }
        for (at, first) in listings.iter().enumerate() {
            for second in listings.iter().skip(at.saturating_add(1)) {
                if !(first.is_whole && second.is_whole) {
                    continue;
                }
                compare(&mut self.medium, first, second, faults)?;
            }
        }
        Ok(())
    }
}
