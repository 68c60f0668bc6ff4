//! No file of `src/` imports itself by way of others, however many are between.
//!
//! A file imports another where it names something that the other defines: in a `use`, or by a path. A name that is only
//! handed on (`pub use`) leads to the file that defines it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use syn::visit::{self, Visit};

use crate::architecture::sources;

/// A module's path below `crate`.
type Module = Vec<String>;
/// For each file those that it imports, each with one of the names.
type Imports = BTreeMap<String, BTreeMap<String, String>>;

/// What one file writes.
#[derive(Default)]
struct Source {
    file: String,
    module: Module,
    children: BTreeSet<String>,
    /// The names that `use` brings in, and the path that each stands for.
    uses: HashMap<String, Vec<String>>,
    /// The names that its code needs.
    named: Vec<Vec<String>>,
}

#[test]
fn no_file_imports_itself_in_a_circle() {
    let texts: Vec<_> = sources().into_iter().filter(|(file, _)| !file.ends_with("tests.rs")).collect();
    let circles = circles(&imports(&texts));
    assert!(circles.is_empty(), "files that import each other in a circle:\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_through_the_names_that_a_folder_hands_on() {
    let texts = [
        ("a/mod.rs", "mod one; mod two; pub use one::One; pub use two::two;"),
        ("a/one.rs", "use crate::a::two; pub struct One; fn f() { two() }"),
        ("a/two.rs", "pub fn two() -> String { format!(\"{}\", super::One) }"),
        ("b.rs", "use crate::a::{One, two as second}; #[cfg(test)] mod tests { use crate::main::X; }"),
        ("main.rs", "mod a; mod b; fn main() { b::f() } pub struct X;"),
    ];
    let texts: Vec<_> = texts.map(|(file, text)| (file.to_owned(), text.to_owned())).to_vec();
    let imports = imports(&texts);
    assert_eq!(imports["b.rs"].keys().collect::<Vec<_>>(), ["a/one.rs", "a/two.rs"]);
    assert!(!imports.contains_key("a/mod.rs"), "it only hands names on");
    assert_eq!(circles(&imports), ["a/one.rs -> a/two.rs (two), a/two.rs -> a/one.rs (One)"]);
}

fn imports(texts: &[(String, String)]) -> Imports {
    let sources: Vec<Source> = texts.iter().map(|(file, text)| Source::read(file, text)).collect();
    let by_module: HashMap<&Module, &Source> =
        sources.iter().map(|source| (&source.module, source)).collect();
    let mut imports = Imports::new();
    for source in &sources {
        for path in &source.named {
            let Some((target, name)) = resolve(&by_module, source, path, 0) else { continue };
            if target != source.file {
                imports.entry(source.file.clone()).or_default().entry(target).or_insert(name);
            }
        }
    }
    imports
}

/// The file that defines what `path` names as `source` writes it, and its name there; `None` for another crate.
fn resolve(
    modules: &HashMap<&Module, &Source>,
    source: &Source,
    path: &[String],
    depth: usize,
) -> Option<(String, String)> {
    let mut module = source.module.clone();
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" => module.clear(),
            "super" => drop(module.pop()),
            "self" => {}
            _ => break,
        }
        rest = after;
    }
    let relative = rest.len() < path.len();
    for (index, segment) in rest.iter().enumerate() {
        let here = modules.get(&module)?;
        if here.children.contains(segment) {
            module.push(segment.clone());
        } else if let Some(target) = here.uses.get(segment).filter(|_| depth < 9) {
            let whole = [&target[..], &rest[index + 1..]].concat();
            return resolve(modules, here, &whole, depth + 1);
        } else if index == 0 && !relative {
            return None;
        } else {
            return Some((here.file.clone(), segment.clone()));
        }
    }
    Some((modules.get(&module)?.file.clone(), rest.last()?.clone()))
}

/// Each circle as one line: the imports among files that reach each other.
fn circles(imports: &Imports) -> Vec<String> {
    let reached = |from: &str| {
        let (mut found, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(file) = open.pop() {
            for next in imports.get(&file).into_iter().flat_map(BTreeMap::keys) {
                if found.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        found
    };
    let reach: BTreeMap<&String, BTreeSet<String>> =
        imports.keys().map(|file| (file, reached(file))).collect();
    let mut circles: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for file in imports.keys().filter(|file| reach[file].contains(*file)) {
        let is_mate = |other: &&String| reach[file].contains(*other) && reach[other].contains(file);
        let mates: Vec<_> = imports.keys().filter(is_mate).collect();
        if seen.contains(file) {
            continue;
        }
        seen.extend(mates.iter().copied());
        let ties = mates.iter().flat_map(|from| {
            let inside = imports[*from].iter().filter(|(to, _)| mates.contains(to));
            inside.map(move |(to, name)| format!("{from} -> {to} ({name})"))
        });
        circles.push(ties.collect::<Vec<_>>().join(", "));
    }
    circles
}

impl Source {
    fn read(file: &str, text: &str) -> Self {
        let module = file.trim_end_matches(".rs").trim_end_matches("/mod");
        let module = match module {
            "main" | "lib" => Module::new(),
            module => module.split('/').map(str::to_owned).collect(),
        };
        let mut source = Self { file: file.to_owned(), module, ..Self::default() };
        source.visit_file(&syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}")));
        source
    }

    fn add_use(&mut self, tree: &syn::UseTree, prefix: &[String], handed_on: bool) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        let (alias, path) = match tree {
            syn::UseTree::Path(path) => return self.add_use(&path.tree, &with(&path.ident), handed_on),
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.add_use(tree, prefix, handed_on));
            }
            syn::UseTree::Name(name) if name.ident == "self" => (prefix.last().cloned(), prefix.to_vec()),
            syn::UseTree::Name(name) => (Some(name.ident.to_string()), with(&name.ident)),
            syn::UseTree::Rename(rename) => (Some(rename.rename.to_string()), with(&rename.ident)),
            syn::UseTree::Glob(_) => (None, prefix.to_vec()),
        };
        if !handed_on {
            self.named.push(path.clone());
        }
        if let Some(alias) = alias {
            self.uses.insert(alias, path);
        }
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    let is_test = |attribute: &syn::Attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    };
    attributes.iter().any(is_test)
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.content.is_none() {
            self.children.insert(module.ident.to_string());
        } else if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
    }

    /// Code inside macros is only a list of tokens: paths are read off it.
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let text = mac.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':'));
        let paths =
            words.filter(|word| word.contains("::") && !word.starts_with(':') && !word.ends_with(':'));
        self.named.extend(paths.map(|path| path.split("::").map(str::to_owned).collect::<Vec<_>>()));
        visit::visit_macro(self, mac);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.named.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
}
