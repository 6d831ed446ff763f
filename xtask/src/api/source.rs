//! The source of a crate as a tree of modules, and what a name in one of them means.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use syn::{Attribute, Ident, Item, UseTree, Visibility};

/// The modules of a crate by path; the crate's root has the empty one.
pub(super) struct Crate {
    modules: BTreeMap<ModulePath, Vec<Item>>,
}

/// Names from the root down.
pub(super) type ModulePath = Vec<String>;

/// Something that an item of a module defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Definition {
    pub(super) module: ModulePath,
    pub(super) name: String,
}

/// One name that a `use` brings.
pub(super) struct Import {
    /// As written, without the last name.
    pub(super) path: Vec<String>,
    pub(super) name: String,
    /// What it is called here.
    pub(super) shown: String,
}

impl Crate {
    pub(super) fn load(lib: &Path) -> Result<Self> {
        let mut it = Self { modules: BTreeMap::new() };
        let folder = lib.parent().context("a file in a folder")?;
        it.add(Vec::new(), read(lib)?, folder)?;
        Ok(it)
    }

    fn add(&mut self, path: ModulePath, items: Vec<Item>, folder: &Path) -> Result<()> {
        for item in &items {
            let Item::Mod(module) = item else { continue };
            if for_tests(&module.attrs) {
                continue;
            }
            let name = module.ident.to_string();
            let below = folder.join(&name);
            let items = match &module.content {
                Some((_, items)) => items.clone(),
                None => {
                    let file = folder.join(format!("{name}.rs"));
                    let file = if file.is_file() { file } else { below.join("mod.rs") };
                    read(&file)?
                }
            };
            let mut path = path.clone();
            path.push(name);
            self.add(path, items, &below)?;
        }
        self.modules.insert(path, items);
        Ok(())
    }

    pub(super) fn modules(&self) -> impl Iterator<Item = (&ModulePath, &[Item])> {
        self.modules.iter().map(|(path, items)| (path, items.as_slice()))
    }

    pub(super) fn items(&self, module: &[String]) -> &[Item] {
        self.modules.get(module).map_or(&[], Vec::as_slice)
    }

    /// What `name` in a module means, when it is something of this crate: defined there or brought by
    /// a `use`.
    pub(super) fn resolve(&self, module: &[String], name: &str) -> Option<Definition> {
        let items = self.items(module);
        if items.iter().any(|item| ident(item).is_some_and(|ident| ident == name)) {
            return Some(Definition { module: module.to_vec(), name: name.to_owned() });
        }
        let mut imports = items.iter().filter_map(|item| match item {
            Item::Use(item) => Some(imports(&item.tree)),
            _ => None,
        });
        let import = imports.find_map(|found| found.into_iter().find(|it| it.shown == name))?;
        self.resolve_import(module, &import)
    }

    /// What an import of a module means, when it is something of this crate.
    pub(super) fn resolve_import(&self, module: &[String], import: &Import) -> Option<Definition> {
        let from = self.module_at(module, &import.path)?;
        // `use a::a` where `a` is not a module's content but the name itself cannot lead back here.
        (from != module).then(|| self.resolve(&from, &import.name)).flatten()
    }

    /// The module that a path names, seen from another.
    pub(super) fn module_at(&self, from: &[String], path: &[String]) -> Option<ModulePath> {
        let mut at = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" => from.to_vec(),
            "super" => from.split_last()?.1.to_vec(),
            first => [from, &[first.to_owned()]].concat(),
        };
        for name in path.iter().skip(1) {
            match name.as_str() {
                "super" => drop(at.pop()),
                _ => at.push(name.clone()),
            }
        }
        self.modules.contains_key(&at).then_some(at)
    }
}

fn read(path: &Path) -> Result<Vec<Item>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file =
        syn::parse_file(&text).with_context(|| format!("cannot parse {}", path.display()))?;
    Ok(file.items)
}

/// The names that a `use` brings; a `*` as itself.
pub(super) fn imports(tree: &UseTree) -> Vec<Import> {
    fn add(tree: &UseTree, path: &mut Vec<String>, found: &mut Vec<Import>) {
        let mut end = |path: &[String], name: String, shown: String| {
            // `a::{self}` is `a`.
            let (path, name, shown) = match (name.as_str(), path.split_last()) {
                ("self", Some((last, path))) => {
                    let shown = if shown == "self" { last.clone() } else { shown };
                    (path.to_vec(), last.clone(), shown)
                }
                _ => (path.to_vec(), name, shown),
            };
            found.push(Import { path, name, shown });
        };
        match tree {
            UseTree::Path(it) => {
                path.push(it.ident.to_string());
                add(&it.tree, path, found);
                path.pop();
            }
            UseTree::Name(it) => end(path, it.ident.to_string(), it.ident.to_string()),
            UseTree::Rename(it) => end(path, it.ident.to_string(), it.rename.to_string()),
            UseTree::Glob(_) => end(path, "*".to_owned(), "*".to_owned()),
            UseTree::Group(it) => it.items.iter().for_each(|tree| add(tree, path, found)),
        }
    }
    let mut found = Vec::new();
    add(tree, &mut Vec::new(), &mut found);
    found
}

/// The name that an item defines, but for modules.
pub(super) fn ident(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(it) => Some(&it.ident),
        Item::Enum(it) => Some(&it.ident),
        Item::Fn(it) => Some(&it.sig.ident),
        Item::Static(it) => Some(&it.ident),
        Item::Struct(it) => Some(&it.ident),
        Item::Trait(it) => Some(&it.ident),
        Item::Type(it) => Some(&it.ident),
        Item::Union(it) => Some(&it.ident),
        _ => None,
    }
}

/// True for what is `pub` and nothing less.
pub(super) fn is_public(item: &Item) -> bool {
    let visibility = match item {
        Item::Const(it) => &it.vis,
        Item::Enum(it) => &it.vis,
        Item::Fn(it) => &it.vis,
        Item::Mod(it) => &it.vis,
        Item::Static(it) => &it.vis,
        Item::Struct(it) => &it.vis,
        Item::Trait(it) => &it.vis,
        Item::Type(it) => &it.vis,
        Item::Union(it) => &it.vis,
        Item::Use(it) => &it.vis,
        _ => return false,
    };
    matches!(visibility, Visibility::Public(_))
}

/// True for what is compiled for tests alone.
pub(super) fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| {
        it.path().is_ident("cfg") && it.parse_args::<Ident>().is_ok_and(|what| what == "test")
    })
}
