//! Scenario files through the front end of the library.

use std::path::Path;

use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, Loaded, load};

fn load_file(name: &str) -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    load(&LoadInput {
        text: LoadText::File(path),
        sets: Vec::new(),
        limits: Limits::STANDARD,
    })
}

#[test]
fn the_rack_loss_example_loads() {
    let loaded = load_file("rack-loss.toml");
    let text = loaded.diagnostics.render(&loaded.sources, false);
    assert_eq!(text, "");
    let scenario = loaded.scenario.expect("it has no errors");
    assert_eq!(scenario.zones, ["a", "b", "c"]);
    assert_eq!(scenario.topology.node_count(), 12 + 40 + 3);
}
