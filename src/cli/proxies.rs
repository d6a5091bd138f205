//! `stormglass proxies`.

use std::io;

use super::metrics::wrapped;
use super::strategies::{describe, write_parts};
use super::style::{Console, FAINT, HEADING};
use super::{CliError, Exit};
use crate::scenario::load::schema::PROXY;
use crate::scenario::load::suggest;
use crate::scenario::proxy_catalog::{PROXIES, PROXY_ADVICE};
use crate::scenario::strategy_catalog::StrategyInfo;

/// Columns of the text.
const WIDTH: usize = 90;

/// Lists the flavours of proxies, or explains one.
pub fn run(name: Option<&str>, console: &mut Console) -> Result<Exit, CliError> {
    let Some(name) = name else {
        list(console)?;
        return Ok(Exit::Done);
    };
    let proxy = PROXIES.iter().find(|proxy| proxy.name == name);
    explain(proxy.ok_or_else(|| unknown(name))?, console)?;
    Ok(Exit::Done)
}

fn unknown(name: &str) -> CliError {
    let known = PROXIES.iter().map(|proxy| proxy.name);
    let hint = suggest::did_you_mean(name, known)
        .unwrap_or_else(|| "`stormglass proxies` lists them".to_string());
    CliError::Usage(format!("no proxy is called `{name}`; {hint}"))
}

fn list(console: &mut Console) -> io::Result<()> {
    let out = console.out();
    writeln!(
        out,
        "[proxy.edge]\nkind = \"NAME\"\nupstream = \"web\"\ncount = 2\n\n[client.shop.call.edge]\n"
    )?;
    let longest = PROXIES.iter().map(|proxy| proxy.name.len()).max();
    let width = longest.unwrap_or(0);
    for info in PROXIES {
        let (name, summary) = (info.name, info.summary);
        writeln!(out, "  {HEADING}{name:width$}{HEADING:#}  {summary}")?;
        let from = info.source.split(',').next().unwrap_or_default();
        let evidence = info.evidence.kind();
        writeln!(out, "  {:width$}  {FAINT}{from}; {evidence}{FAINT:#}", "")?;
    }
    writeln!(out)?;
    for line in wrapped(PROXY_ADVICE, WIDTH) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\n`stormglass proxies NAME` explains one.")
}

fn explain(info: &StrategyInfo, console: &mut Console) -> io::Result<()> {
    describe(info, console)?;
    let own = PROXY.variant(info.name).map_or(&[][..], |kind| kind.keys);
    let keys = own.iter().chain(PROXY.keys);
    write_parts(&[(None, keys.collect())], console)
}
