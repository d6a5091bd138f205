pub const QUICKSTART: &str = include_str!("../../scenarios/quickstart.toml");
