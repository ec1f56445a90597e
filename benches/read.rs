//! One frame of 1280×720 pixels → VIN, for every scene of the demo that shows one, and its stages, on one thread.

#![allow(missing_docs, clippy::unwrap_used)]

use divan::{Bencher, black_box};
use vinspect::image::{Frame, decode, letterbox};
use vinspect::inference::{Model, Network, Tract};
use vinspect::reader::Reader;

macro_rules! scenes {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../src/cli/demo/", $name, ".jpg")))),*]
    };
}

const SCENES: &[(&str, &[u8])] =
    scenes!["dash_1" "dash_2" "dash_3" "jamb_1" "jamb_2" "stamp_1" "stamp_2" "paper"];

fn main() {
    divan::main();
}

fn frame() -> Frame {
    decode(SCENES[0].1).unwrap()
}

fn names() -> impl Iterator<Item = &'static str> {
    SCENES.iter().map(|(name, _)| *name)
}

#[divan::bench(args = names())]
fn frame_to_vin(bencher: Bencher, name: &str) {
    let (_, jpeg) = SCENES.iter().find(|(scene, _)| *scene == name).unwrap();
    let (reader, frame) = (Reader::embedded().unwrap(), decode(jpeg).unwrap());
    bencher.bench_local(|| reader.read(black_box(&frame)).unwrap());
}

#[divan::bench]
fn jpeg_to_frame() -> Frame {
    frame()
}

#[divan::bench]
fn frame_to_letterbox(bencher: Bencher) {
    let frame = frame();
    bencher.bench_local(|| letterbox(black_box(&frame), 512, 288));
}

#[divan::bench]
fn locator(bencher: Bencher) {
    let network = Tract::new(&Model::locator()).unwrap();
    bencher.bench_local(|| network.run(vec![0.5; 512 * 288]).unwrap());
}

#[divan::bench]
fn recognizer(bencher: Bencher) {
    let network = Tract::new(&Model::recognizer()).unwrap();
    bencher.bench_local(|| network.run(vec![0.5; 256 * 32]).unwrap());
}
