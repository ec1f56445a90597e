//! Picture files good and bad, as `vinspect read` and `vinspect evaluate` meet them.

#![allow(missing_docs, clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output};

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use proptest::prelude::*;
use serde_json::Value;
use vinspect::image::{DecodeError, Frame, LARGEST_FILE, decode, decode_file};

const FORMATS: [ImageFormat; 4] = [
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::WebP,
    ImageFormat::Bmp,
];

/// Dark to light from left to right, in colour.
fn picture(width: u32, height: u32) -> DynamicImage {
    let grey = GrayImage::from_fn(width, height, |x, y| {
        Luma([(x * 200 / width + y * 31 % 50) as u8])
    });
    DynamicImage::from(grey).to_rgb8().into()
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn refused(bytes: &[u8]) -> String {
    decode(bytes).unwrap_err().to_string()
}

#[test]
fn every_format_gives_the_same_grey() {
    let wanted = picture(80, 48).into_luma8();
    for format in FORMATS {
        let frame = decode(&encode(&picture(80, 48), format)).unwrap();
        assert_eq!((frame.width, frame.height), (80, 48), "{format:?}");
        let off = std::iter::zip(&frame.luma, wanted.as_raw())
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        // JPEG loses a little.
        assert!(off < Some(24), "{format:?} {off:?}");
    }
}

#[test]
fn half_a_picture_is_refused() {
    for format in FORMATS {
        let whole = encode(&picture(320, 200), format);
        for share in [0.1, 0.5, 0.9] {
            let cut = &whole[..(whole.len() as f64 * share) as usize];
            let error = refused(cut);
            assert!(
                error.starts_with("is damaged: "),
                "{format:?} {share}: {error}"
            );
        }
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    assert_eq!(refused(b""), "is empty");
    assert_eq!(refused(b"hello"), "is no JPEG, PNG, WebP or BMP picture");
    // A format that the library names but that is not built in.
    assert_eq!(
        refused(b"GIF89a\x01\0\x01\0"),
        "is no JPEG, PNG, WebP or BMP picture"
    );
}

/// A PNG that says it is this large and holds nothing.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    bytes.extend(&header);
    bytes.extend(crc32(&header).to_be_bytes());
    bytes.extend(b"\0\0\0\x01IDAT\0\0\0\0\0");
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1))
        })
    })
}

/// A JPEG whose frame header says that it is this large.
fn jpeg_of_size(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = encode(&picture(16, 16), ImageFormat::Jpeg);
    let frame_header = bytes.windows(2).position(|m| m == [0xff, 0xc0]).unwrap();
    bytes[frame_header + 5..][..2].copy_from_slice(&height.to_be_bytes());
    bytes[frame_header + 7..][..2].copy_from_slice(&width.to_be_bytes());
    bytes
}

#[test]
fn huge_pictures_are_refused_by_their_header() {
    let large = [png_header(9_000, 8_000), jpeg_of_size(9_000, 8_000)];
    for bytes in large {
        let why = "has 9000×8000 pixels, more than 64 megapixels";
        assert_eq!(refused(&bytes), why);
    }
    let why = "has 60000×50000 pixels, more than 64 megapixels";
    assert_eq!(refused(&jpeg_of_size(60_000, 50_000)), why);
    let why = if usize::BITS > 32 {
        why
    } else {
        "needs more memory than there may be"
    };
    assert_eq!(refused(&png_header(60_000, 50_000)), why);
}

#[test]
fn pictures_of_no_size_are_refused() {
    for bytes in [png_header(0, 9), jpeg_of_size(0, 16), jpeg_of_size(16, 0)] {
        refused(&bytes);
    }
}

#[test]
fn huge_files_are_not_read_to_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.jpg");
    File::create(&path)
        .unwrap()
        .set_len(LARGEST_FILE + 1)
        .unwrap();
    assert!(matches!(decode_file(&path), Err(DecodeError::LargeFile)));
}

/// Puts a segment behind the first marker of a JPEG.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

/// EXIF that holds an orientation (1 to 8) and nothing else.
fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    bytes.extend([0, orientation, 0, 0, 0, 0, 0, 0]);
    bytes
}

#[test]
fn exif_orientation_is_respected() {
    use image::metadata::Orientation;
    let upright = picture(64, 32);
    for value in 1..=8 {
        // How a camera that was held so stores the scene.
        let mut stored = upright.clone();
        let orientation = Orientation::from_exif(value).unwrap();
        stored.apply_orientation(match orientation {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            own_inverse => own_inverse,
        });
        let jpeg = encode(&stored, ImageFormat::Jpeg);
        let frame = decode(&with_segment(&jpeg, 0xe1, &exif(value))).unwrap();
        assert_eq!((frame.width, frame.height), (64, 32), "{value}");
        let wanted = upright.to_luma8();
        let off = std::iter::zip(&frame.luma, wanted.as_raw())
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(off < Some(24), "{value} {off:?}");
    }
}

/// USB cameras leave the Huffman tables out, which are always the same, and round frames up with zeros.
#[test]
fn frames_of_usb_cameras_are_pictures() {
    let jpeg = encode(&picture(64, 32), ImageFormat::Jpeg);
    let mut lean = jpeg[..2].to_vec();
    let mut rest = &jpeg[2..];
    while rest[1] != 0xda {
        let (segment, after) =
            rest.split_at(2 + usize::from(u16::from_be_bytes([rest[2], rest[3]])));
        if !matches!(segment[1], 0xc4 | 0xe0) {
            lean.extend(segment);
        }
        rest = after;
    }
    lean.extend(rest);
    lean = with_segment(&lean, 0xe0, b"AVI1\0\0\0\0\0\0\0\0\0\0");
    lean.extend([0; 64]);
    assert_eq!(decode(&lean).unwrap(), decode(&jpeg).unwrap());
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(
        format in 0..FORMATS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode(&picture(24, 16), FORMATS[format]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(length.index(bytes.len() + 1));
        if let Ok(Frame { width, height, luma }) = decode(&bytes) {
            prop_assert!(luma.len() == width * height && !luma.is_empty());
        }
    }
}

fn vinspect(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vinspect"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A folder of good and bad files, one of them deeper.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let good = encode(&picture(320, 180), ImageFormat::Png);
    let jpeg = encode(&picture(320, 180), ImageFormat::Jpeg);
    fs::create_dir(folder.path().join("below")).unwrap();
    for (name, bytes) in [
        ("a.png", good.as_slice()),
        ("b.jpg", &jpeg[..jpeg.len() / 2]),
        ("c.JPEG", &jpeg),
        ("d.txt", b"no picture"),
        ("below/e.png", &good),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn a_bad_file_is_one_error_line_and_the_others_are_read() {
    let folder = folder();
    let output = vinspect(
        folder.path(),
        &[
            "read",
            "--json",
            "--jobs",
            "3",
            "c.JPEG",
            "missing.png",
            ".",
            "below/e.png",
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    let summary: Vec<_> = lines
        .iter()
        .map(|line| (line["path"].as_str().unwrap(), line.get("error").is_some()))
        .collect();
    assert_eq!(
        summary,
        [
            ("c.JPEG", false),
            ("missing.png", true),
            ("./a.png", false),
            ("./b.jpg", true),
            ("./c.JPEG", false),
            ("below/e.png", false)
        ]
    );
    let mut keys: Vec<_> = lines[0].as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "candidates",
            "check_digit",
            "confidence",
            "elapsed_ms",
            "orientation_deg",
            "outcome",
            "path",
            "quad",
            "reason",
            "vin"
        ]
    );
    assert_eq!(lines[0]["outcome"], "no_read");
    assert!(lines[0]["vin"].is_null() && lines[0]["reason"].is_string());
}

#[test]
fn folders_are_read_as_deep_as_asked() {
    let folder = folder();
    fs::remove_file(folder.path().join("b.jpg")).unwrap();
    let output = vinspect(folder.path(), &["read", "--json", "--recursive", "."]);
    assert_eq!(output.status.code(), Some(0));
    let paths: Vec<_> = lines(&output)
        .iter()
        .map(|line| line["path"].clone())
        .collect();
    assert_eq!(paths, ["./a.png", "./below/e.png", "./c.JPEG"]);

    fs::create_dir(folder.path().join("none")).unwrap();
    let output = vinspect(folder.path(), &["read", "none"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no picture"));
}

/// The report on a folder's pictures with these labels, which counts as wanted.
fn evaluated(folder: &Path, labels: &str, wanted: &[(&str, u32)]) -> Value {
    fs::write(folder.join("labels.tsv"), labels).unwrap();
    let output = vinspect(
        folder,
        &["evaluate", "--json", "--labels", "labels.tsv", "."],
    );
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (key, wanted) in wanted {
        assert_eq!(report[key], *wanted, "{key} in {report}");
    }
    report
}

#[test]
fn evaluation_counts_every_label() {
    let folder = folder();
    let labels = "# file\tvin\na.png\t1HGCM82633A004352\nb.jpg\t1HGCM82633A004352\n\nc.JPEG\t1HGCM8?633A004352\n";
    let wanted = [
        ("pictures", 2),
        ("left_out", 1),
        ("vehicles", 1),
        ("no_read", 2),
        ("unreadable_files", 1),
        ("accepted_wrong", 0),
    ];
    evaluated(folder.path(), labels, &wanted);
}

#[test]
fn what_is_accepted_where_there_is_no_vin_is_wrong() {
    let folder = folder();
    let scene = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/demo/dash_1.jpg");
    fs::copy(scene, folder.path().join("dash.jpg")).unwrap();
    let wanted = [
        ("without_vin", 2),
        ("vehicles", 0),
        ("accepted_wrong", 1),
        ("no_read", 1),
    ];
    let report = evaluated(folder.path(), "a.png\t-\ndash.jpg\t-\n", &wanted);
    assert_eq!(report["misreads"][0]["vin"], Value::Null);
}

/// The second one has the VIN in its second frame only, and the first cannot be opened.
#[test]
fn the_frames_of_a_burst_count_as_one_picture() {
    let folder = folder();
    let scene = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/demo/dash_1.jpg");
    fs::copy(scene, folder.path().join("dash.jpg")).unwrap();
    let car = "WVWZZZAUZKW384512";
    let labels = format!(
        "dash.jpg\t{car}\tone\ndash.jpg\t{car}\tone\nb.jpg\t{car}\ttwo\ndash.jpg\t{car}\ttwo\na.png\t{car}\n"
    );
    let wanted = [
        ("pictures", 3),
        ("vehicles", 1),
        ("accepted_right", 2),
        ("no_read", 1),
        ("unreadable_files", 1),
    ];
    evaluated(folder.path(), &labels, &wanted);
}

#[test]
fn a_wrong_label_is_named_with_its_line() {
    let folder = folder();
    for wrong in [
        "a.png\t1HGCM82633A004352\nc.JPEG\t123\n",
        "a.png\t1HGCM82633A004352\tcar\nc.JPEG\t1FTEW1EP3LFA24861\tcar\n",
    ] {
        fs::write(folder.path().join("labels.tsv"), wrong).unwrap();
        let output = vinspect(folder.path(), &["evaluate", "--labels", "labels.tsv", "."]);
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("labels.tsv, line 2"), "{error}");
    }
}
