//! Cases that are files: where they are, and one check for all of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use innkeeper_engine::flow::Source;

/// The YAML files in a folder of this package, by name; there are some.
pub(crate) fn yaml(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(!files.is_empty(), "there is nothing in {}", folder.display());
    files
}

/// The YAML files in a folder of this package, as they are checked.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let source =
        |path: &PathBuf| Source { file: name(path).to_owned(), text: std::fs::read_to_string(path).unwrap() };
    yaml(folder).iter().map(source).collect()
}

pub(crate) fn name(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

/// Checks a name and a text of every YAML file in a folder, its snapshots named after it, and tells all that failed.
///
/// Not by `insta::glob!`: while it runs, whatever fails in a test beside it counts as its failure and not as that
/// test's.
pub(crate) fn each(folder: &str, check: impl Fn(&str, &str)) {
    let checked = |file: &Path| {
        let mut settings = insta::Settings::clone_current();
        settings.set_input_file(file);
        settings.set_snapshot_suffix(name(file));
        settings.bind(|| check(name(file), &std::fs::read_to_string(file).unwrap()));
    };
    let fails = |file: &PathBuf| catch_unwind(AssertUnwindSafe(|| checked(file))).is_err();
    let failed: Vec<PathBuf> = yaml(folder).into_iter().filter(fails).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
