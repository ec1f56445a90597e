//! One frame of 1280×720 pixels → VIN, and its stages, on one thread.

#![allow(missing_docs, clippy::unwrap_used)]

use divan::{Bencher, black_box};
use vinspect::image::{Frame, decode, letterbox};
use vinspect::inference::{Model, Network, Tract};
use vinspect::reader::Reader;

const SCENE: &[u8] = include_bytes!("../src/cli/demo/dash_1.jpg");

fn main() {
    divan::main();
}

fn frame() -> Frame {
    decode(SCENE).unwrap()
}

#[divan::bench]
fn frame_to_vin(bencher: Bencher) {
    let (reader, frame) = (Reader::embedded().unwrap(), frame());
    bencher.bench_local(|| reader.read(black_box(&frame)).unwrap());
}

#[divan::bench]
fn jpeg_to_vin(bencher: Bencher) {
    let reader = Reader::embedded().unwrap();
    bencher.bench_local(|| reader.read(&decode(black_box(SCENE)).unwrap()).unwrap());
}

#[divan::bench]
fn jpeg_to_frame() -> Frame {
    frame()
}

#[divan::bench]
fn frame_to_letterbox(bencher: Bencher) {
    let frame = frame();
    bencher.bench_local(|| letterbox(black_box(&frame), 512, 288, 1.0));
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
