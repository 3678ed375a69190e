//! Every scene still reads as its transcript says.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use innkeeper::config::{Config, Overrides};
use innkeeper::replay::{Scene, play};

/// Scenes are played with the built-in flows and prompts, whatever this machine is configured for.
fn config() -> Config {
    let overrides = Overrides { database: Some("sqlite::memory:".to_owned()), ..Overrides::default() };
    Config::load(Some(Path::new("/dev/null")), [], overrides).unwrap()
}

/// What is in a folder, by name.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let mut inside: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inside.sort();
    inside
}

/// The scripts of all scenes, flow by flow.
fn scenes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots");
    let flows = inside(&folder).into_iter().filter(|path| path.is_dir());
    let files = flows.flat_map(|flow| inside(&flow));
    files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml")).collect()
}

// Not by `insta::glob!`: while it runs, whatever fails in a test beside it counts as its failure and not as that test's.
#[test]
fn every_scene_reads_as_its_transcript() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let check = |path: &Path| {
        let scene = Scene::read(path).unwrap();
        let transcript = runtime.block_on(play(&scene, &config())).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(path.parent().unwrap());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_description(scene.scene.as_str());
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, transcript));
    };
    let scenes = scenes();
    assert!(!scenes.is_empty(), "there are no scenes");
    let differs = |path: &&PathBuf| catch_unwind(AssertUnwindSafe(|| check(path))).is_err();
    let different: Vec<&PathBuf> = scenes.iter().filter(differs).collect();
    assert!(different.is_empty(), "{} of {} scenes differ: {different:#?}", different.len(), scenes.len());
}
