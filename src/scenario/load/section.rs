//! A table of a scenario, read against its specification.

use std::borrow::Cow;

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::example::table_like;
use super::schema::{Default, Key, Kind, NAMED_COUNT_MAX, ROOT, TableSpec, Variant};
use super::shorthand::expand;
use super::source::Origin;
use super::tree::{Table, Tree, Value, parse_static};
use super::value;
use crate::scenario::rollout::Amount;
use crate::time::SimDuration;

/// An open table: unknown and missing keys are already reported.
pub struct Section<'t> {
    /// What messages call it: `fault `rack-b``.
    pub title: String,
    /// Where it stands.
    pub origin: Origin,
    /// The variant that its tag selects or means; None without a tag.
    pub variant: Option<&'static Variant>,
    pub(super) spec: &'static TableSpec,
    pub(super) table: Cow<'t, Table>,
}

/// One of the tables in a table of named tables.
#[derive(Clone, Copy)]
pub struct Named<'t> {
    /// Its name, well formed.
    pub name: &'t str,
    /// Where the name stands.
    pub name_origin: Origin,
    /// What it holds.
    pub tree: &'t Tree,
}

impl<'t> Section<'t> {
    /// Opens a table, or a value that stands for one. None, and an error, if it is neither or of
    /// no variant; where the tag is misspelt, it is of the variant that is meant.
    pub fn open(
        ctx: &mut Context,
        tree: &'t Tree,
        spec: &'static TableSpec,
        title: String,
    ) -> Option<Self> {
        let table = normalize(ctx, tree, spec, &title)?;
        let mut section = Section {
            title,
            origin: tree.origin,
            variant: None,
            spec,
            table,
        };
        if spec.tag.is_some() && !section.select_variant(ctx) {
            section.check_without_variant(ctx);
            return None;
        }
        section.check_keys(ctx);
        Some(section)
    }

    /// An empty table, where every key has its default.
    pub fn absent(spec: &'static TableSpec, title: String, origin: Origin) -> Section<'static> {
        let default = spec.tag.as_ref().and_then(|tag| tag.default);
        Section {
            title,
            origin,
            variant: default.and_then(|name| spec.variant(name)),
            spec,
            table: Cow::Owned(Table::default()),
        }
    }

    /// The name of the variant.
    pub fn variant_name(&self) -> &'static str {
        self.variant.map_or("", |variant| variant.name)
    }

    /// Whether a key is set.
    pub fn has(&self, name: &str) -> bool {
        self.table.get(name).is_some()
    }

    /// Whether a key is set to anything but its default, which may be written down where it means
    /// nothing.
    pub fn is_changed(&self, name: &str) -> bool {
        let Some(written) = self.table.get(name) else {
            return false;
        };
        match self.key(name).default {
            Default::Toml(text) => {
                let default = default_tree(text, self.origin);
                written.to_inline_toml() != default.to_inline_toml()
            }
            _ => true,
        }
    }

    /// Whether this variant has such a key, set or not.
    pub fn has_key(&self, name: &str) -> bool {
        self.spec.key(self.variant, name).is_some()
    }

    /// Where the value of a key stands; the table itself where it is not set.
    pub fn origin_of(&self, name: &str) -> Origin {
        self.table.get(name).map_or(self.origin, |tree| tree.origin)
    }

    /// The value of a key as set, or its default if that is a value.
    pub fn tree(&self, name: &str) -> Option<Cow<'_, Tree>> {
        let key = self.key(name);
        if let Some(tree) = self.table.get(name) {
            return Some(Cow::Borrowed(tree));
        }
        match key.default {
            Default::Toml(text) => Some(Cow::Owned(default_tree(text, self.origin))),
            Default::Required
            | Default::Absent
            | Default::Computed(_)
            | Default::Inherited(_)
            | Default::Nested => None,
        }
    }

    /// The value of a key as set.
    pub fn set_tree(&self, name: &str) -> Option<&Tree> {
        self.key(name);
        self.table.get(name)
    }

    /// A length of time.
    pub fn duration(&self, ctx: &mut Context, name: &str) -> Option<SimDuration> {
        let Kind::Duration { zero } = self.key(name).kind else {
            panic!("`{name}` is no duration");
        };
        let tree = self.tree(name)?;
        value::duration(ctx, &tree, zero)
    }

    /// A warm-up: its length and whether it is to be found.
    pub fn warmup(&self, ctx: &mut Context, name: &str) -> Option<(SimDuration, bool)> {
        let tree = self.tree(name)?;
        value::warmup(ctx, &tree)
    }

    /// A number of any kind that the key takes: rate, size, bandwidth, ratio, drift or
    /// plain number.
    pub fn number(&self, ctx: &mut Context, name: &str) -> Option<f64> {
        let tree = self.tree(name)?;
        match self.key(name).kind {
            Kind::Rate { zero } => value::rate(ctx, &tree, zero),
            Kind::Size => value::size(ctx, &tree),
            Kind::Bandwidth => value::bandwidth(ctx, &tree),
            Kind::Ratio => value::ratio(ctx, &tree),
            Kind::Multiple { min, max } => value::multiple(ctx, &tree, min, max),
            Kind::Drift => value::drift(ctx, &tree),
            Kind::Number { min, above, max } => value::number(ctx, &tree, min, above, max),
            _ => panic!("`{name}` is no number"),
        }
    }

    /// A whole number.
    pub fn count(&self, ctx: &mut Context, name: &str) -> Option<u64> {
        let Kind::Count { min, max } = self.key(name).kind else {
            panic!("`{name}` is no count");
        };
        let tree = self.tree(name)?;
        value::count(ctx, &tree, min, max)
    }

    /// A whole number, or None for `"unlimited"`.
    pub fn limit(&self, ctx: &mut Context, name: &str) -> Option<u64> {
        let Kind::Limit { max } = self.key(name).kind else {
            panic!("`{name}` is no limit");
        };
        let tree = self.tree(name)?;
        match tree.as_str() {
            Some("unlimited") => None,
            _ => value::count(ctx, &tree, 0, max),
        }
    }

    /// A whole number or a share.
    pub fn amount(&self, ctx: &mut Context, name: &str) -> Option<Amount> {
        let Kind::Amount { max } = self.key(name).kind else {
            panic!("`{name}` is no amount");
        };
        value::amount(ctx, &*self.tree(name)?, max)
    }

    /// A whole number that fits in 32 bits by its specification.
    pub fn count_u32(&self, ctx: &mut Context, name: &str) -> Option<u32> {
        self.count(ctx, name)
            .map(|count| u32::try_from(count).expect("the specification bounds it"))
    }

    /// A boolean.
    pub fn bool(&self, ctx: &mut Context, name: &str) -> Option<bool> {
        value::bool(ctx, &*self.tree(name)?)
    }

    /// A text, a word of a choice, a name or a path.
    pub fn text(&self, ctx: &mut Context, name: &str) -> Option<String> {
        let tree = self.tree(name)?;
        match self.key(name).kind {
            Kind::Choice(words) => value::choice(ctx, &tree, words).map(str::to_string),
            Kind::Name => value::name(ctx, &tree),
            _ => value::text(ctx, &tree),
        }
    }

    /// The texts of an array, each with its place.
    pub fn texts(&self, ctx: &mut Context, name: &str) -> Option<Vec<(String, Origin)>> {
        let Kind::List(item_kind) = self.key(name).kind else {
            panic!("`{name}` is no list");
        };
        let tree = self.tree(name)?;
        let items = value::array(ctx, &tree)?;
        let mut texts = Vec::new();
        for item in items {
            let text = match item_kind {
                Kind::Choice(words) => value::choice(ctx, item, words).map(str::to_string),
                _ => value::name(ctx, item),
            };
            texts.push((text?, item.origin));
        }
        Some(texts)
    }

    /// The texts of an array of any texts, if it is set.
    pub fn texts_of(&self, ctx: &mut Context, name: &str) -> Option<Vec<String>> {
        let tree = self.set_tree(name)?;
        let items = value::array(ctx, tree)?;
        items.iter().map(|item| value::text(ctx, item)).collect()
    }

    /// The tables in a table of named tables, in order of the file.
    pub fn named(&self, ctx: &mut Context, name: &str) -> Vec<Named<'_>> {
        match self.table.get(name) {
            None => Vec::new(),
            Some(tree) => {
                let kind = self.key(name).kind;
                named(ctx, tree, (name, &kind), &|ctx| {
                    self.headed(ctx, tree, name, &kind)
                })
            }
        }
    }

    /// What to write where an array stands for named tables or texts.
    fn headed(&self, ctx: &Context, tree: &Tree, name: &str, kind: &Kind) -> String {
        let below = match header(ctx.sources.slice(self.origin)) {
            Some(header) if !std::ptr::eq(self.spec, &ROOT) => format!("{header}.{name}"),
            _ => name.to_string(),
        };
        let path = array_header(ctx, tree).map_or(below, str::to_string);
        match kind {
            Kind::Assertions => format!("write [{path}], and below it NAME = \"...\""),
            Kind::Variants => format!("write [{path}], and below it NAME = {{ ... }}"),
            _ => format!("write [{path}.NAME]"),
        }
    }

    fn key(&self, name: &str) -> &'static Key {
        self.spec
            .key(self.variant, name)
            .unwrap_or_else(|| panic!("the specification of {} has no `{name}`", self.spec.what))
    }
}

/// The table that a value is or stands for.
fn normalize<'t>(
    ctx: &mut Context,
    tree: &'t Tree,
    spec: &'static TableSpec,
    title: &str,
) -> Option<Cow<'t, Table>> {
    if let Value::Table(table) = &tree.value {
        return Some(Cow::Borrowed(table));
    }
    let table = expand(tree, spec);
    if table.is_none() {
        let label = match array_header(ctx, tree) {
            Some(path) => format!("write [{path}]"),
            None => format!("expected a table, like `{}`", table_like(tree, spec)),
        };
        ctx.error(
            Diagnostic::new(format!("{title} is {}", tree.kind_name())).at(tree.origin, label),
        );
    }
    table.map(Cow::Owned)
}

/// The path in a header like `[client.shop]`.
fn header(written: &str) -> Option<&str> {
    let path = written.strip_prefix('[')?.split(']').next()?;
    let is_bare = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!path.is_empty() && path.chars().all(is_bare)).then_some(path)
}

/// The path in the header of an array of tables like `[[client.shop]]`.
fn array_header<'s>(ctx: &Context<'s>, tree: &Tree) -> Option<&'s str> {
    match &tree.value {
        Value::Array(items) if items.iter().all(|item| item.as_table().is_some()) => {
            header(ctx.sources.slice(tree.origin).strip_prefix('[')?)
        }
        _ => None,
    }
}

/// The tables in a table of named tables, in order of the file, names checked. `headed` says what
/// to write where there is no table.
fn named<'t>(
    ctx: &mut Context,
    tree: &'t Tree,
    (what, kind): (&str, &Kind),
    headed: &dyn Fn(&Context) -> String,
) -> Vec<Named<'t>> {
    let Some(table) = tree.as_table() else {
        let label = headed(ctx);
        ctx.error(
            Diagnostic::new(format!("`{what}` is {}", tree.kind_name())).at(tree.origin, label),
        );
        return Vec::new();
    };
    if NAMED_COUNT_MAX < table.entries().len() {
        let count = table.entries().len();
        let (noun, help) = match kind {
            Kind::Named(_) => (
                "tables",
                Some("use `count` for many equal ones".to_string()),
            ),
            _ => ("lines", None),
        };
        ctx.error(
            Diagnostic::new(format!("{count} {noun} in `{what}`"))
                .at(
                    tree.origin,
                    format!("at most {NAMED_COUNT_MAX} are possible"),
                )
                .help_if(help),
        );
        return Vec::new();
    }
    let mut list = Vec::new();
    for entry in table.entries() {
        if value::check_name(ctx, &entry.key, entry.key_origin) {
            list.push(Named {
                name: &entry.key,
                name_origin: entry.key_origin,
                tree: &entry.tree,
            });
        }
    }
    list
}

/// A default as a tree. It has no text of its own, so it stands where its table stands.
fn default_tree(text: &'static str, origin: Origin) -> Tree {
    let mut tree = parse_static(text);
    tree.origin = origin;
    tree
}
