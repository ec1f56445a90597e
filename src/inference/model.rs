//! The bytes of a network: those inside the program, or a file that must have the hash it is said to have.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};

/// A network as stored.
#[derive(Clone)]
pub struct Model {
    /// What it is for: `locator`, `recognizer`, `examiner`, `arbiter`.
    pub name: &'static str,
    /// ONNX.
    pub bytes: std::borrow::Cow<'static, [u8]>,
}

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It cannot be read.
    #[error("model {path}: {source}; give the path of an ONNX file or leave the key out to use the model inside the program", path = path.display())]
    Io {
        /// Where it should be.
        path: PathBuf,
        /// The file system's words.
        source: io::Error,
    },
    /// It is another file than the configuration says.
    #[error("model {path} has the SHA-256 {found}, but the configuration says {expected}; it was altered, or the configuration is out of date", path = path.display())]
    Hash {
        /// Which file.
        path: PathBuf,
        /// By the configuration.
        expected: String,
        /// By its contents.
        found: String,
    },
}

impl Model {
    /// Finds the four corners of VINs in a frame: `models/locator.onnx`.
    pub fn locator() -> Self {
        Self {
            name: "locator",
            bytes: include_bytes!("../../models/locator.onnx")
                .as_slice()
                .into(),
        }
    }

    /// Reads the strip between those corners: `models/recognizer.onnx`.
    pub fn recognizer() -> Self {
        Self {
            name: "recognizer",
            bytes: include_bytes!("../../models/recognizer.onnx")
                .as_slice()
                .into(),
        }
    }

    /// Spells what was read, and so sees whether that is a whole VIN: `models/examiner.onnx`.
    pub fn examiner() -> Self {
        Self {
            name: "examiner",
            bytes: include_bytes!("../../models/examiner.onnx")
                .as_slice()
                .into(),
        }
    }

    /// Spells what those two do not agree on: `models/arbiter.onnx`.
    pub fn arbiter() -> Self {
        Self {
            name: "arbiter",
            bytes: include_bytes!("../../models/arbiter.onnx")
                .as_slice()
                .into(),
        }
    }

    /// A file instead, which must have this SHA-256 (64 hexadecimal digits).
    pub fn from_file(name: &'static str, path: &Path, sha256: &str) -> Result<Self, ModelError> {
        let bytes = fs::read(path).map_err(|source| ModelError::Io {
            path: path.into(),
            source,
        })?;
        let model = Self {
            name,
            bytes: bytes.into(),
        };
        let found = model.sha256();
        if found.eq_ignore_ascii_case(sha256) {
            Ok(model)
        } else {
            Err(ModelError::Hash {
                path: path.into(),
                expected: sha256.into(),
                found,
            })
        }
    }

    /// The SHA-256 of the bytes, 64 hexadecimal digits.
    pub fn sha256(&self) -> String {
        Sha256::digest(&self.bytes)
            .iter()
            .fold(String::with_capacity(64), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_altered_file_is_refused_and_both_hashes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        fs::write(&path, b"abc").unwrap();
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(Model::from_file("locator", &path, of_abc).is_ok());
        fs::write(&path, b"abd").unwrap();
        let error = Model::from_file("locator", &path, of_abc)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains(of_abc) && error.contains("a52d159f"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Model::from_file("locator", Path::new("/nowhere.onnx"), "")
            .err()
            .unwrap();
        assert!(error.to_string().contains("/nowhere.onnx"));
    }
}
