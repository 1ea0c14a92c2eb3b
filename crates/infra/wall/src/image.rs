//! What `execve` takes, made while there is nobody who could be held up by it: texts that end in zero, and lists of them.
//!
//! A name is looked up as `execvp` does, in the `PATH` that the program will have.

use crate::protocol::Spawn;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, NulError, c_char};

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
        Ok(Self {
            candidates: candidates(&request.program, path)?,
            directory: CString::new(request.directory.as_str())?,
            arguments: Texts::new(
                arguments.map(|text| CString::new(text.as_str())).collect::<Result<_, _>>()?,
            ),
            environment: Texts::new(entries.collect::<Result<_, _>>()?),
        })
    }

    /// The same by the shell, which reads the candidate as a script: what `execvp` does where the kernel does not know the file.
    pub(crate) fn read_by_the_shell(mut self, candidate: usize) -> Option<Self> {
        if candidate >= self.candidates.len() {
            return None;
        }
        let file = self.candidates.swap_remove(candidate);
        let rest = self.arguments.owned.into_iter().skip(1);
        self.arguments = Texts::new([SHELL.to_owned(), file].into_iter().chain(rest).collect());
        self.candidates = vec![SHELL.to_owned()];
        Some(self)
    }

    /// Where the program may lie, in the order in which it is looked for.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &CStr> {
        self.candidates.iter().map(CString::as_c_str)
    }

    /// Its working directory.
    pub(crate) fn directory(&self) -> &CStr {
        &self.directory
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
    owned: Vec<CString>,
    /// To each of them, and null.
    pointers: Vec<*const c_char>,
}

impl Texts {
    fn new(owned: Vec<CString>) -> Self {
        let pointers = owned.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        Self { owned, pointers }
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
        assert_eq!(texts.pointers.len(), texts.owned.len() + 1);
        assert_eq!(texts.pointers.last(), Some(&std::ptr::null()));
        texts.owned.iter().map(|text| text.to_str().unwrap()).collect()
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
        let image = image.read_by_the_shell(1).unwrap();
        assert_eq!(image.candidates().collect::<Vec<_>>(), [SHELL]);
        assert_eq!(texts(&image.arguments), ["/bin/sh", "/b/script", "one", ""]);
        assert!(image.read_by_the_shell(1).is_none());
    }
}
