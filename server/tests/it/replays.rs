//! Every scene still reads as its transcript says.

use std::path::Path;

use innkeeper::config::{Config, Overrides};
use innkeeper::replay::{Scene, play};

/// Scenes are played with the built-in flows and prompts, whatever this machine is configured for.
fn config() -> Config {
    let overrides = Overrides { database: Some("sqlite::memory:".to_owned()), ..Overrides::default() };
    Config::load(Some(Path::new("/dev/null")), [], overrides).unwrap()
}

#[test]
fn every_scene_reads_as_its_transcript() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots");
    insta::glob!(&folder, "*/*.yaml", |path| {
        let scene = Scene::read(path).unwrap();
        let transcript = runtime.block_on(play(&scene, &config())).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(path.parent().unwrap());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_suffix("");
        settings.remove_snapshot_suffix();
        settings.set_description(scene.scene.as_str());
        settings.set_omit_expression(true);
        settings.remove_input_file();
        settings.bind(|| insta::assert_snapshot!(name, transcript));
    });
}
