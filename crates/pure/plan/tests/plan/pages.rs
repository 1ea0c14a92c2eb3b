//! Every code has a page, and the example of the page provokes its code.

use crate::lint;
use dvt_plan::diagnostic::{codes, pages};
use std::path::Path;

#[test]
fn every_code_has_a_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/codes");
    for code in codes::ALL {
        let path = folder.join(format!("{}.md", code.code));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(text.starts_with(&format!("# {}", code.code)), "{} is missing", path.display());
        if code.code.starts_with("DVT-P") {
            assert!(text.starts_with(&format!("# {}: {}\n", code.code, code.title)), "{}", code.code);
            assert!(
                pages().iter().any(|(known, page)| *known == code.code && *page == text),
                "{}",
                code.code
            );
        }
    }
}

#[test]
fn the_example_of_a_page_provokes_its_code() {
    let mut examples = 0;
    for (code, page) in pages() {
        for block in page.split("```yaml\n").skip(1) {
            let text = block.split("```").next().unwrap();
            // What this release does not do is told first; the codes behind it belong to the whole language.
            let whole = format!("# reach: language\n{text}");
            let told = [text, &whole].map(|text| lint("plan.yaml", text).diagnostics).concat();
            let told: Vec<String> = told.into_iter().map(|one| one.code).collect();
            assert!(told.iter().any(|one| one == code), "{code}: {told:?}");
            examples += 1;
        }
    }
    assert!(examples >= 25);
}
