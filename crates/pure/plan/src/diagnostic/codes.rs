//! The registry of the plan's own codes: one constant each, and a title. A code never gets a second meaning.
//!
//! Each has a page in `docs/codes/` and at least one plan in `tests/refused/` that provokes it; a test holds both.
//! The two codes without `DVT-P` are words of contract 15 that carry a position when they are met in a document.

/// A code and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The stable code.
    pub code: &'static str,
    /// What it means, in one line.
    pub title: &'static str,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $title:literal;)*) => {
        $($(#[$doc])* pub const $name: Code = Code { code: $code, title: $title };)*

        /// All of them, in the order of their numbers.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    /// Not YAML 1.2, not JSON.
    SYNTAX = "DVT-P001", "the text is neither YAML 1.2 nor JSON";
    /// A key stands twice.
    DUPLICATE_KEY = "DVT-P002", "a key stands twice in one mapping";
    /// Too large, too deep, too many nodes or aliases.
    READING_BUDGET = "DVT-P003", "the document is larger or deeper than a plan may be";
    /// YAML that has no JSON.
    NOT_JSON_MODEL = "DVT-P004", "YAML that the plan's document model does not have";
    /// A key that the language does not know.
    UNKNOWN_KEY = "DVT-P005", "a key that the plan language does not have";
    /// A value of the wrong type or form.
    WRONG_SHAPE = "DVT-P006", "a value of another type or form than its key takes";
    /// A name in an expression that does not exist.
    UNKNOWN_NAME = "DVT-P007", "a name in an expression that does not exist";
    /// A required key is missing.
    MISSING_KEY = "DVT-P008", "a required key is missing";
    /// An id or name outside its pattern.
    BAD_ID = "DVT-P009", "an id or name outside its pattern";
    /// A need that is no step.
    UNKNOWN_NEED = "DVT-P010", "a need that is no step of the plan";
    /// Steps that wait for each other.
    CYCLE = "DVT-P011", "steps that wait for each other, or for themselves";
    /// An expression where only literal text is allowed.
    LITERAL_PLACE = "DVT-P012", "an expression where its value would become code";
    /// Text between `${{` and `}}` that is no expression.
    BAD_EXPRESSION = "DVT-P013", "text that is no expression";
    /// A duration that is none.
    BAD_DURATION = "DVT-P014", "a duration that is none, or none that is allowed here";
    /// Not exactly one step form.
    STEP_FORM = "DVT-P015", "a step that does not do exactly one thing";
    /// A word of the language that this release does not do yet.
    NOT_YET = "DVT-P016", "a word of the plan language that is not built yet";
    /// A word of another product's dialect.
    OTHER_DIALECT = "DVT-P017", "a word of another dialect";
    /// An input's schema is at fault.
    INPUT_SCHEMA = "DVT-P018", "the schema of an input is at fault";
    /// A number or list outside its limits.
    OUT_OF_LIMITS = "DVT-P019", "a number or list outside its limits";
    /// Too many steps.
    TOO_MANY_STEPS = "DVT-P020", "more steps than a plan may have";
    /// A key that this form of step does not take.
    KEY_OF_ANOTHER_FORM = "DVT-P021", "a key that this form of step does not take";
    /// An argument that could become an option.
    ARGUMENT_MAY_BE_OPTION = "DVT-P022", "an argument from an expression may begin with `-`";
    /// A file beside the plan that is not packed.
    FILE_NOT_PACKED = "DVT-P023", "an argument names a file that `files` does not pack";
    /// A glob of `files` that cannot be packed.
    BAD_FILES_GLOB = "DVT-P024", "a glob of `files` that is not allowed";
    /// A permission that nothing enforces yet.
    PERMISSION_NOT_ENFORCED = "DVT-P025", "a permission that nothing can enforce yet";
    /// The types inside an expression do not fit.
    EXPRESSION_TYPE = "DVT-P026", "an expression whose types cannot fit";
    /// A name of the environment that is not the plan's to set.
    BAD_ENVIRONMENT_NAME = "DVT-P027", "a name of the environment that a plan cannot set";
    /// A plugin that is not known here.
    UNKNOWN_PLUGIN = "DVT-P028", "a plugin that is not installed";
    /// The list of diagnostics was cut.
    MORE_DIAGNOSTICS = "DVT-P029", "more was noticed than is shown";
    /// A sub-plan that cannot be had.
    SUB_PLAN = "DVT-P030", "a sub-plan that cannot be had";
    /// Inputs that do not fit a sub-plan.
    SUB_PLAN_INPUT = "DVT-P031", "inputs that do not fit the sub-plan";
    /// A list of `foreach` without a maximum.
    UNBOUNDED_ITEMS = "DVT-P032", "a list of `foreach` that may have too many items";
    /// A moment that is none.
    BAD_TIMESTAMP = "DVT-P033", "a timestamp that is none";
    /// A size that is none.
    BAD_SIZE = "DVT-P034", "a size that is none, or none that is allowed here";
    /// A data class above the plan's.
    CLASS_ABOVE_PLAN = "DVT-P035", "a data class above the plan's";
    /// Something that `permissions` does not name.
    PERMISSION_MISSING = "DVT-P036", "something that `permissions` does not name";
    /// A person whom only the sub-plan names.
    PERSON_HANDED_DOWN = "DVT-P037", "a person whom only the sub-plan names";
    /// An `apiVersion` that this release does not read.
    PLAN_SCHEMA_VERSION_UNKNOWN = "PLAN_SCHEMA_VERSION_UNKNOWN", "the plan's `apiVersion` is not known";
    /// The worst case is beyond every class.
    PLAN_UNBOUNDED = "PLAN_UNBOUNDED", "the plan's worst case is beyond the bounds";
    /// A literal that looks like a secret.
    SECRET_IN_PLAN = "SECRET_IN_PLAN", "a literal of the plan looks like a secret";
}

/// The code of that text.
pub fn find(code: &str) -> Option<Code> {
    ALL.iter().copied().find(|known| known.code == code)
}
