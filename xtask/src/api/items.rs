//! What can be named from outside, with bodies, docs and private parts taken away, as Rust.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Fields, GenericParam, Ident, ImplItem, Item, ItemImpl, ItemMod, Path, TraitItem,
    Type, Visibility, parse_quote,
};

use crate::api::source::{Crate, Definition, ModulePath, for_tests, ident, imports, is_public};

/// Attributes that a user of the item feels.
const FELT: [&str; 4] = ["derive", "must_use", "non_exhaustive", "deprecated"];

/// The whole interface, sorted by name, each type's implementations behind it.
pub(super) fn print(library: &Crate) -> Result<String> {
    let mut printer = Printer { library, shown: BTreeMap::new() };
    printer.find(&Vec::new())?;
    let items = printer.module(&Vec::new())?;
    Ok(prettyplease::unparse(&syn::File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items,
    }))
}

struct Printer<'a> {
    library: &'a Crate,
    /// Everything that can be named, with the name under which it is first shown.
    shown: BTreeMap<Definition, String>,
}

impl Printer<'_> {
    /// Notes what a public module shows, and those in it.
    fn find(&mut self, module: &ModulePath) -> Result<()> {
        for (definition, name) in self.exports(module)? {
            self.shown.entry(definition).or_insert(name);
        }
        for inner in self.public_modules(module) {
            self.find(&inner)?;
        }
        Ok(())
    }

    fn public_modules(&self, module: &ModulePath) -> Vec<ModulePath> {
        let items = self.library.items(module).iter();
        let mut found: Vec<ModulePath> = items
            .filter_map(|item| match item {
                Item::Mod(it) if is_public(item) && !for_tests(&it.attrs) => {
                    Some([module.as_slice(), &[it.ident.to_string()]].concat())
                }
                _ => None,
            })
            .collect();
        found.sort();
        found
    }

    /// What a module shows of this crate, defined in it or elsewhere.
    fn exports(&self, module: &ModulePath) -> Result<Vec<(Definition, String)>> {
        let mut found = Vec::new();
        for item in self.library.items(module).iter().filter(|item| is_public(item)) {
            if let Item::Use(it) = item {
                for import in imports(&it.tree) {
                    if import.name == "*" {
                        bail!("`pub use {}::*` is not understood", import.path.join("::"));
                    }
                    if let Some(definition) = self.library.resolve_import(module, &import) {
                        found.push((definition, import.shown));
                    }
                }
            } else if let Some(name) = ident(item).map(Ident::to_string) {
                found.push((Definition { module: module.clone(), name: name.clone() }, name));
            }
        }
        found.sort_by(|(_, a), (_, b)| a.cmp(b));
        Ok(found)
    }

    fn module(&self, module: &ModulePath) -> Result<Vec<Item>> {
        let mut items: Vec<Item> = Vec::new();
        for (definition, name) in self.exports(module)? {
            let defined = self.library.items(&definition.module).iter();
            // A function and a type may have one name.
            for item in defined.filter(|it| ident(it).is_some_and(|it| *it == definition.name)) {
                items.push(stripped(item, &name));
            }
            // Behind the first place that shows the type.
            if self.shown.get(&definition).is_some_and(|first| *first == name) {
                items.extend(self.implementations(&definition, &name).into_iter().map(Item::Impl));
            }
        }
        for item in self.library.items(module) {
            if let Item::Use(it) = item
                && is_public(item)
            {
                let all = imports(&it.tree);
                if all.iter().all(|one| self.library.resolve_import(module, one).is_none()) {
                    let mut it = it.clone();
                    it.attrs.clear();
                    items.push(Item::Use(it));
                }
            }
        }
        for inner in self.public_modules(module) {
            let name =
                Ident::new(inner.last().map_or("", String::as_str), proc_macro2::Span::call_site());
            let inside = self.module(&inner)?;
            let mut outer: ItemMod = parse_quote!(pub mod #name {});
            outer.content = outer.content.map(|(brace, _)| (brace, inside));
            items.push(Item::Mod(outer));
        }
        Ok(items)
    }

    /// Public methods, and the traits that users can name, of a type; of a trait, its blanket
    /// implementations.
    fn implementations(&self, of: &Definition, name: &str) -> Vec<ItemImpl> {
        let mut found = Vec::new();
        for (module, items) in self.library.modules() {
            for item in items {
                let Item::Impl(it) = item else { continue };
                if for_tests(&it.attrs) || self.subject(module, it).as_ref() != Some(of) {
                    continue;
                }
                if let Some((path, _)) = &it.trait_
                    && self.is_hidden(module, path)
                {
                    continue;
                }
                let mut it = it.clone();
                it.attrs.clear();
                if let Type::Path(path) = &mut *it.self_ty
                    && let Some(last) = path.path.segments.last_mut()
                    && last.ident == of.name
                {
                    last.ident = Ident::new(name, last.ident.span());
                }
                if it.trait_.is_some() {
                    it.items.retain(|item| matches!(item, ImplItem::Type(_)));
                } else {
                    it.items.retain(is_public_method);
                    it.items.iter_mut().for_each(strip_method);
                    if it.items.is_empty() {
                        continue;
                    }
                }
                found.push(it);
            }
        }
        found.sort_by_cached_key(|it| {
            let text = |it: &ItemImpl| quote::ToTokens::to_token_stream(it).to_string();
            (it.trait_.is_some(), text(it))
        });
        found
    }

    /// The type an implementation belongs to; of a blanket one and one for a foreign type, the trait.
    fn subject(&self, module: &ModulePath, it: &ItemImpl) -> Option<Definition> {
        let generic = |name: &Ident| {
            let parameters = it.generics.params.iter();
            parameters
                .into_iter()
                .any(|it| matches!(it, GenericParam::Type(it) if it.ident == *name))
        };
        let mut own = &*it.self_ty;
        while let Type::Reference(reference) = own {
            own = &reference.elem;
        }
        if let Type::Path(path) = own
            && let Some(last) = path.path.segments.last()
            && !generic(&last.ident)
            && let Some(found) = self.definition(module, &path.path)
        {
            return Some(found);
        }
        self.definition(module, &it.trait_.as_ref()?.0)
    }

    fn definition(&self, module: &ModulePath, path: &Path) -> Option<Definition> {
        let names: Vec<String> = path.segments.iter().map(|it| it.ident.to_string()).collect();
        let (name, way) = names.split_last()?;
        if way.is_empty() {
            return self.library.resolve(module, name);
        }
        self.library.resolve(&self.library.module_at(module, way)?, name)
    }

    /// A trait of this crate that nobody outside can name.
    fn is_hidden(&self, module: &ModulePath, path: &Path) -> bool {
        self.definition(module, path).is_some_and(|it| !self.shown.contains_key(&it))
    }
}

fn is_public_method(item: &ImplItem) -> bool {
    let (visibility, attributes) = match item {
        ImplItem::Const(it) => (&it.vis, &it.attrs),
        ImplItem::Fn(it) => (&it.vis, &it.attrs),
        ImplItem::Type(it) => (&it.vis, &it.attrs),
        _ => return false,
    };
    matches!(visibility, Visibility::Public(_)) && !for_tests(attributes)
}

fn strip_method(item: &mut ImplItem) {
    match item {
        ImplItem::Const(it) => strip_attributes(&mut it.attrs),
        ImplItem::Fn(it) => {
            strip_attributes(&mut it.attrs);
            it.block = parse_quote!({});
        }
        ImplItem::Type(it) => strip_attributes(&mut it.attrs),
        _ => {}
    }
}

/// An item as its users see it, under the name that they use.
fn stripped(item: &Item, name: &str) -> Item {
    let mut item = item.clone();
    let rename = |ident: &mut Ident| *ident = Ident::new(name, ident.span());
    match &mut item {
        Item::Const(it) => {
            strip_attributes(&mut it.attrs);
            rename(&mut it.ident);
        }
        Item::Enum(it) => {
            strip_attributes(&mut it.attrs);
            rename(&mut it.ident);
            for variant in &mut it.variants {
                strip_attributes(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| strip_attributes(&mut field.attrs));
            }
        }
        Item::Fn(it) => {
            strip_attributes(&mut it.attrs);
            rename(&mut it.sig.ident);
            it.block = parse_quote!({});
        }
        Item::Struct(it) => {
            strip_attributes(&mut it.attrs);
            rename(&mut it.ident);
            strip_fields(&mut it.fields);
        }
        Item::Trait(it) => {
            strip_attributes(&mut it.attrs);
            rename(&mut it.ident);
            for item in &mut it.items {
                match item {
                    TraitItem::Const(it) => strip_attributes(&mut it.attrs),
                    TraitItem::Fn(it) => {
                        strip_attributes(&mut it.attrs);
                        if let Some(block) = &mut it.default {
                            *block = parse_quote!({});
                        }
                    }
                    TraitItem::Type(it) => strip_attributes(&mut it.attrs),
                    _ => {}
                }
            }
        }
        Item::Type(it) => {
            strip_attributes(&mut it.attrs);
            rename(&mut it.ident);
        }
        _ => {}
    }
    item
}

fn strip_attributes(attributes: &mut Vec<Attribute>) {
    attributes.retain(|it| FELT.iter().any(|felt| it.path().is_ident(felt)));
}

/// Private fields become one without a type: that there are some, users feel.
fn strip_fields(fields: &mut Fields) {
    let is_public = |visibility: &Visibility| matches!(visibility, Visibility::Public(_));
    match fields {
        Fields::Named(named) => {
            let all = named.named.len();
            let public = named.named.iter().filter(|it| is_public(&it.vis)).cloned();
            named.named = public.collect::<Punctuated<_, _>>();
            if named.named.len() < all {
                let private: syn::FieldsNamed = parse_quote!({ private: _ });
                named.named.extend(private.named);
            }
            named.named.iter_mut().for_each(|it| strip_attributes(&mut it.attrs));
        }
        Fields::Unnamed(unnamed) => {
            for field in &mut unnamed.unnamed {
                strip_attributes(&mut field.attrs);
                if !is_public(&field.vis) {
                    field.ty = parse_quote!(_);
                    field.vis = Visibility::Inherited;
                }
            }
        }
        _ => {}
    }
}
