//! What `execve` takes, made while there is nobody who could be held up by it: texts that end in zero, and lists of them.
//!
//! A name is looked up as `execvp` does, in the `PATH` that the program will have.

use crate::protocol::Spawn;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, NulError, c_char};
use std::sync::atomic::{AtomicPtr, Ordering};

/// Where a name is looked up without a `PATH`, as the C library has it.
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// What reads a program that the kernel does not know: a script without a first line that says who reads it.
const SHELL: &CStr = c"/bin/sh";

/// A program, its surroundings, and where it may lie.
#[derive(Debug)]
pub(crate) struct Image {
    candidates: Vec<CString>,
    directory: CString,
    arguments: Texts,
    environment: Texts,
    /// The arguments of the shell, where it reads the program: itself, a place for the candidate, the rest, null.
    shell: Vec<AtomicPtr<c_char>>,
}

impl Image {
    /// The image of a request; an error where a text of it holds a zero byte.
    pub(crate) fn new(request: &Spawn) -> Result<Self, NulError> {
        // Of two variables with one name the last counts.
        let environment: BTreeMap<&str, &str> =
            request.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let path = environment.get("PATH").copied().unwrap_or(DEFAULT_PATH);
        let entries = environment.iter().map(|(name, value)| CString::new(format!("{name}={value}")));
        let arguments = std::iter::once(&request.program).chain(&request.arguments);
        let arguments =
            Texts::new(arguments.map(|text| CString::new(text.as_str())).collect::<Result<_, _>>()?);
        let rest = arguments.pointers.iter().skip(1).copied();
        let shell = [SHELL.as_ptr(), std::ptr::null()].into_iter().chain(rest);
        Ok(Self {
            candidates: candidates(&request.program, path)?,
            directory: CString::new(request.directory.as_str())?,
            shell: shell.map(|text| AtomicPtr::new(text.cast_mut())).collect(),
            arguments,
            environment: Texts::new(entries.collect::<Result<_, _>>()?),
        })
    }

    /// Where the program may lie, in the order in which it is looked for.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &CStr> {
        self.candidates.iter().map(CString::as_c_str)
    }

    /// Its working directory.
    pub(crate) fn directory(&self) -> &CStr {
        &self.directory
    }

    /// The shell and its arguments, with which it reads the candidate as a script. Writes down which one, and nothing else: for whoever
    /// has the image at that moment, and nobody else has it.
    pub(crate) fn read_by_the_shell(&self, candidate: &CStr) -> (&'static CStr, *const *const c_char) {
        if let Some(script) = self.shell.get(1) {
            script.store(candidate.as_ptr().cast_mut(), Ordering::Relaxed);
        }
        (SHELL, self.shell.as_ptr().cast())
    }

    /// `argv`.
    pub(crate) fn arguments(&self) -> *const *const c_char {
        self.arguments.pointers.as_ptr()
    }

    /// `envp`.
    pub(crate) fn environment(&self) -> *const *const c_char {
        self.environment.pointers.as_ptr()
    }
}

/// Texts as C has a list of them.
#[derive(Debug)]
struct Texts {
    /// Kept for the pointers.
    _owned: Vec<CString>,
    /// To each of them, and null.
    pointers: Vec<*const c_char>,
}

impl Texts {
    fn new(owned: Vec<CString>) -> Self {
        let pointers = owned.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        Self { _owned: owned, pointers }
    }
}

/// Where a program may lie: a path where it is one, a name in each folder of `path`. Nothing is no program.
fn candidates(program: &str, path: &str) -> Result<Vec<CString>, NulError> {
    if program.is_empty() {
        return Ok(Vec::new());
    }
    if program.contains('/') {
        return Ok(vec![CString::new(program)?]);
    }
    let in_folder = |folder: &str| match folder {
        // The working directory.
        "" => CString::new(program),
        folder => CString::new(format!("{folder}/{program}")),
    };
    path.split(':').map(in_folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(program: &str, environment: &[(&str, &str)]) -> Spawn {
        Spawn {
            key: 1,
            program: program.to_owned(),
            arguments: vec!["one".to_owned(), String::new()],
            environment: environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            directory: "/".to_owned(),
        }
    }

    fn looked_for(program: &str, environment: &[(&str, &str)]) -> Vec<String> {
        let image = Image::new(&request(program, environment)).unwrap();
        image.candidates().map(|path| path.to_str().unwrap().to_owned()).collect()
    }

    fn texts(texts: &Texts) -> Vec<&str> {
        assert_eq!(texts.pointers.len(), texts._owned.len() + 1);
        assert_eq!(texts.pointers.last(), Some(&std::ptr::null()));
        texts._owned.iter().map(|text| text.to_str().unwrap()).collect()
    }

    #[test]
    fn a_name_is_looked_up_in_its_own_path_and_a_path_is_not() {
        assert_eq!(looked_for("true", &[("PATH", "/a:/b")]), ["/a/true", "/b/true"]);
        assert_eq!(looked_for("true", &[("PATH", "/a::")]), ["/a/true", "true", "true"]);
        assert_eq!(looked_for("true", &[]), ["/bin/true", "/usr/bin/true"]);
        assert_eq!(looked_for("./true", &[("PATH", "/a")]), ["./true"]);
        assert!(looked_for("", &[("PATH", "/a")]).is_empty());
    }

    #[test]
    fn the_last_of_two_variables_counts() {
        let image = Image::new(&request("true", &[("B", "1"), ("A", "2"), ("B", "3")])).unwrap();
        assert_eq!(texts(&image.environment), ["A=2", "B=3"]);
        assert_eq!(texts(&image.arguments), ["true", "one", ""]);
    }

    #[test]
    fn a_zero_byte_is_refused_wherever_it_stands() {
        let whole = request("true", &[("A", "1")]);
        assert!(Image::new(&whole).is_ok());
        let broken = [
            Spawn { program: "tr\0ue".into(), ..whole.clone() },
            Spawn { program: "./tr\0ue".into(), ..whole.clone() },
            Spawn { arguments: vec!["\0".into()], ..whole.clone() },
            Spawn { environment: vec![("A\0".into(), "1".into())], ..whole.clone() },
            Spawn { environment: vec![("A".into(), "1\0".into())], ..whole.clone() },
            Spawn { directory: "/\0".into(), ..whole },
        ];
        for request in broken {
            assert!(Image::new(&request).is_err(), "{request:?}");
        }
    }

    #[test]
    fn the_shell_reads_the_file_that_was_found_and_gets_the_arguments() {
        let image = Image::new(&request("script", &[("PATH", "/a:/b")])).unwrap();
        let found = image.candidates().nth(1).unwrap();
        let (shell, arguments) = image.read_by_the_shell(found);
        assert_eq!((shell, arguments), (SHELL, image.shell.as_ptr().cast()));
        let texts: Vec<_> =
            image.shell.iter().map(|text| text.load(Ordering::Relaxed).cast_const()).collect();
        let own = &image.arguments.pointers;
        assert_eq!(texts, [SHELL.as_ptr(), found.as_ptr(), own[1], own[2], std::ptr::null()]);
    }
}
