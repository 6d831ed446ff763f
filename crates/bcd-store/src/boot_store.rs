//! The stores of our media (wim-format 4.2).

use std::fmt;

use crate::device::{Device, Volume};
use crate::element::{ElementError, ElementType, ElementValue};
use crate::object::{ObjectId, ObjectType};
use crate::store::{Object, Store};

/// What starts the boot manager. Stores for the two differ in names of programs only; the
/// processor makes no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Firmware {
    /// A BIOS; its store is `\Boot\BCD`. x86 and x64.
    Bios,
    /// UEFI; its store is `\EFI\Microsoft\Boot\BCD`. x86, x64 and arm64.
    Uefi,
}

impl Firmware {
    /// How the names of programs end that it starts.
    pub(crate) const fn loader_suffix(self) -> &'static str {
        match self {
            Self::Bios => ".exe",
            Self::Uefi => ".efi",
        }
    }

    /// Where the memory test is on media.
    const fn memory_test(self) -> &'static str {
        match self {
            Self::Bios => r"\boot\memtest.exe",
            Self::Uefi => r"\EFI\Microsoft\Boot\memtest.efi",
        }
    }
}

/// The form of the boot menu, and of what F8 shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MenuPolicy {
    /// Text, as before Windows 8.
    Legacy,
    /// Graphics. On all Windows media since.
    Standard,
}

/// The resolution of the boot manager's graphics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// 1024 x 768.
    W1024H768,
    /// 800 x 600.
    W800H600,
    /// 1024 x 600.
    W1024H600,
    /// The highest that the firmware offers.
    Highest,
}

/// What a store of our media holds; [`build`](Self::build) makes it.
///
/// The boot manager starts the boot image `\sources\boot.wim` as a RAM disk, by way of
/// `\boot\boot.sdi`, from the device that it was itself started from. Signatures are checked: no
/// element that weakens that is ever written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct BootStore {
    firmware: Firmware,
    wim: String,
    sdi: String,
    description: String,
    locale: Locale,
    timeout: u32,
    menu_policy: MenuPolicy,
    resolution: Option<Resolution>,
    text_mode: bool,
    no_vga: bool,
    memory_test: bool,
}

impl BootStore {
    /// The defaults, each told at its method.
    pub fn new(firmware: Firmware) -> Self {
        Self {
            firmware,
            wim: r"\sources\boot.wim".to_owned(),
            sdi: r"\boot\boot.sdi".to_owned(),
            description: "Windows PE".to_owned(),
            locale: Locale::default(),
            timeout: 30,
            menu_policy: MenuPolicy::Standard,
            resolution: None,
            text_mode: false,
            no_vga: false,
            memory_test: false,
        }
    }

    /// Path of the boot image on the medium, with backslashes; default `\sources\boot.wim`.
    pub fn with_wim(self, path: impl Into<String>) -> Self {
        Self { wim: path.into(), ..self }
    }

    /// Path of boot.sdi on the medium, with backslashes; default `\boot\boot.sdi`.
    pub fn with_sdi(self, path: impl Into<String>) -> Self {
        Self { sdi: path.into(), ..self }
    }

    /// What the menu calls the entry; default `Windows PE`.
    pub fn with_description(self, text: impl Into<String>) -> Self {
        Self { description: text.into(), ..self }
    }

    /// Language of the boot manager's messages; default `en-US`.
    pub fn with_locale(self, locale: Locale) -> Self {
        Self { locale, ..self }
    }

    /// Seconds that the menu is shown; default 30. With one entry no menu is shown, so it matters
    /// only with [the memory test](Self::with_memory_test) or when a key is held.
    pub fn with_timeout(self, seconds: u32) -> Self {
        Self { timeout: seconds, ..self }
    }

    /// Form of the menu; default [`MenuPolicy::Standard`].
    pub fn with_menu_policy(self, menu_policy: MenuPolicy) -> Self {
        Self { menu_policy, ..self }
    }

    /// Resolution of the boot manager's graphics; by default it chooses.
    pub fn with_resolution(self, resolution: Resolution) -> Self {
        Self { resolution: Some(resolution), ..self }
    }

    /// Menus in text (`graphicsmodedisabled`); default no.
    pub fn with_text_mode(self, text_mode: bool) -> Self {
        Self { text_mode, ..self }
    }

    /// Windows PE does not use the firmware's graphics (`novga`), for machines whose firmware
    /// offers broken ones; default no.
    pub fn with_no_vga(self, no_vga: bool) -> Self {
        Self { no_vga, ..self }
    }

    /// The memory test in the menu's tools: `\boot\memtest.exe` or
    /// `\EFI\Microsoft\Boot\memtest.efi`, which must be on the medium; default no.
    pub fn with_memory_test(self, memory_test: bool) -> Self {
        Self { memory_test, ..self }
    }

    /// The store.
    ///
    /// # Errors
    /// When a path or the description has a NUL.
    pub fn build(&self) -> Result<Store, ElementError> {
        let mut store = Store::new()
            .with_object(ObjectId::BOOT_MANAGER, self.boot_manager()?)
            .with_object(ObjectId::MEDIA_ENTRY, self.entry()?)
            .with_object(ObjectId::MEDIA_RAM_DISK, self.ram_disk()?)
            .with_object(ObjectId::GLOBAL_SETTINGS, self.settings()?);
        if self.memory_test {
            store = store.with_object(ObjectId::MEMORY_TEST, self.memory_test()?);
        }
        Ok(store)
    }

    fn boot_manager(&self) -> Result<Object, ElementError> {
        let entry = ObjectId::MEDIA_ENTRY;
        let manager = Object::new(ObjectType::BOOT_MANAGER)
            .with(ElementType::DESCRIPTION, &text("Windows Boot Manager"))?
            .with(ElementType::LOCALE, &self.locale())?
            .with(ElementType::INHERIT, &inherited())?
            .with(ElementType::DEFAULT, &ElementValue::Object(entry))?
            .with(ElementType::DISPLAY_ORDER, &ElementValue::Objects(vec![entry]))?
            .with(ElementType::TIMEOUT, &ElementValue::Integer(u64::from(self.timeout)))?;
        if !self.memory_test {
            return Ok(manager);
        }
        let tools = ElementValue::Objects(vec![ObjectId::MEMORY_TEST]);
        manager.with(ElementType::TOOLS_DISPLAY_ORDER, &tools)
    }

    fn entry(&self) -> Result<Object, ElementError> {
        let ram_disk = ElementValue::Device(Device::RamDisk {
            volume: Volume::Boot,
            path: self.wim.clone(),
            options: Some(ObjectId::MEDIA_RAM_DISK),
        });
        let loader = format!(r"\windows\system32\boot\winload{}", self.firmware.loader_suffix());
        let policy = match self.menu_policy {
            MenuPolicy::Legacy => 0,
            MenuPolicy::Standard => 1,
        };
        let entry = Object::new(ObjectType::OS_LOADER)
            .with(ElementType::DEVICE, &ram_disk)?
            .with(ElementType::PATH, &ElementValue::Text(loader))?
            .with(ElementType::DESCRIPTION, &text(&self.description))?
            .with(ElementType::LOCALE, &self.locale())?
            .with(ElementType::INHERIT, &inherited())?
            .with(ElementType::OS_DEVICE, &ram_disk)?
            .with(ElementType::SYSTEM_ROOT, &text(r"\windows"))?
            .with(ElementType::DETECT_HAL, &YES)?
            .with(ElementType::WINPE, &YES)?
            .with(ElementType::EMS, &ElementValue::Boolean(false))?
            .with(ElementType::BOOT_MENU_POLICY, &ElementValue::Integer(policy))?;
        if self.no_vga { entry.with(ElementType::NO_VGA, &YES) } else { Ok(entry) }
    }

    fn ram_disk(&self) -> Result<Object, ElementError> {
        Object::new(ObjectType::DEVICE)
            .with(ElementType::DESCRIPTION, &text("RAM disk"))?
            .with(ElementType::SDI_DEVICE, &ElementValue::Device(Device::Plain(Volume::Boot)))?
            .with(ElementType::SDI_PATH, &text(&self.sdi))
    }

    fn settings(&self) -> Result<Object, ElementError> {
        let mut settings = Object::new(ObjectType::SETTINGS);
        if let Some(resolution) = self.resolution {
            let number = |number| (ElementType::GRAPHICS_RESOLUTION, ElementValue::Integer(number));
            let (element, value) = match resolution {
                Resolution::W1024H768 => number(0),
                Resolution::W800H600 => number(1),
                Resolution::W1024H600 => number(2),
                Resolution::Highest => (ElementType::HIGHEST_MODE, YES),
            };
            settings = settings.with(element, &value)?;
        }
        if self.text_mode {
            settings.with(ElementType::GRAPHICS_DISABLED, &YES)
        } else {
            Ok(settings)
        }
    }

    fn memory_test(&self) -> Result<Object, ElementError> {
        Object::new(ObjectType::MEMORY_TEST)
            .with(ElementType::DEVICE, &ElementValue::Device(Device::Plain(Volume::Boot)))?
            .with(ElementType::PATH, &text(self.firmware.memory_test()))?
            .with(ElementType::DESCRIPTION, &text("Windows Memory Diagnostic"))?
            .with(ElementType::LOCALE, &self.locale())?
            .with(ElementType::INHERIT, &inherited())?
            .with(ElementType::BAD_MEMORY_ACCESS, &YES)
    }

    fn locale(&self) -> ElementValue {
        text(&self.locale.0)
    }
}

const YES: ElementValue = ElementValue::Boolean(true);

fn text(text: &str) -> ElementValue {
    ElementValue::Text(text.to_owned())
}

fn inherited() -> ElementValue {
    ElementValue::Objects(vec![ObjectId::GLOBAL_SETTINGS])
}

/// A language as Windows names it: `en-US`, `de-DE`, `zh-Hant-TW`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale(String);

impl Locale {
    /// A name of a language, and subtags after hyphens: ASCII letters and digits, up to 84
    /// characters in all (Windows' own limit).
    ///
    /// # Errors
    /// Anything else. Whether the boot manager has messages in that language is another matter: it
    /// falls back to English.
    pub fn new(name: &str) -> Result<Self, LocaleError> {
        let mut parts = name.split('-');
        let language = parts.next().is_some_and(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
        });
        let subtags = parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if !language || !subtags || name.len() > 84 {
            return Err(LocaleError { found: name.to_owned() });
        }
        Ok(Self(name.to_owned()))
    }
}

impl Default for Locale {
    /// `en-US`
    fn default() -> Self {
        Self("en-US".to_owned())
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that names no language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no language name such as en-US")]
pub struct LocaleError {
    /// The text.
    pub found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_have_names() {
        for name in ["en-US", "de", "zh-Hant-TW", "sr-Latn-RS", "es-419", "haw-US"] {
            assert_eq!(Locale::new(name).unwrap().to_string(), name);
        }
        let long = ["en-", &"x-".repeat(41), "x"].concat();
        for name in ["", "e", "en_US", "en-", "-US", "en-US\0", "1a-US", &long] {
            assert_eq!(Locale::new(name), Err(LocaleError { found: name.to_owned() }));
        }
    }
}
