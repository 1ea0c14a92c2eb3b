//! The pages of the plan's own codes, as `dvt explain` shows them. The files in `docs/codes/` are their only source.

macro_rules! page {
    ($code:literal) => {
        ($code, include_str!(concat!("../../../../../docs/codes/", $code, ".md")))
    };
}

const PAGES: &[(&str, &str)] = &[
    page!("DVT-P001"),
    page!("DVT-P002"),
    page!("DVT-P003"),
    page!("DVT-P004"),
    page!("DVT-P005"),
    page!("DVT-P006"),
    page!("DVT-P007"),
    page!("DVT-P008"),
    page!("DVT-P009"),
    page!("DVT-P010"),
    page!("DVT-P011"),
    page!("DVT-P012"),
    page!("DVT-P013"),
    page!("DVT-P014"),
    page!("DVT-P015"),
    page!("DVT-P016"),
    page!("DVT-P017"),
    page!("DVT-P018"),
    page!("DVT-P019"),
    page!("DVT-P020"),
    page!("DVT-P021"),
    page!("DVT-P022"),
    page!("DVT-P023"),
    page!("DVT-P024"),
    page!("DVT-P025"),
    page!("DVT-P026"),
    page!("DVT-P027"),
    page!("DVT-P028"),
    page!("DVT-P029"),
    page!("DVT-P030"),
    page!("DVT-P031"),
    page!("DVT-P032"),
    page!("DVT-P033"),
    page!("DVT-P034"),
    page!("DVT-P035"),
    page!("DVT-P036"),
    page!("DVT-P037"),
];

/// Each code with the text of its page, in the order of the codes.
pub fn pages() -> &'static [(&'static str, &'static str)] {
    PAGES
}
