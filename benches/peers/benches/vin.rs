//! Thousand VINs: parse and check, and what they mean, beside other crates. Divan's profiler counts allocations.

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const COUNT: usize = 1000;

fn main() {
    divan::main();
}

/// Does something with each of a thousand VINs.
fn each<T>(bencher: Bencher, what: impl Fn(&str) -> T) {
    let vins = peers::vins(COUNT);
    bencher.counter(ItemsCount::new(COUNT)).bench_local(|| {
        for vin in &vins {
            black_box(what(black_box(vin)));
        }
    });
}

mod parse_and_check {
    use super::*;

    #[divan::bench]
    fn vinspect(bencher: Bencher) {
        each(bencher, |text| {
            text.parse::<vinspect::vin::Vin>().unwrap().check_digit()
        });
    }

    #[divan::bench]
    fn mb_vin(bencher: Bencher) {
        each(bencher, |text| mb_vin::Vin::parse_str(text).is_ok());
    }

    #[divan::bench]
    fn vin_info(bencher: Bencher) {
        each(bencher, |text| {
            vin_info::Vin::try_new(text).unwrap().is_checksum_valid()
        });
    }
}

/// Maker, country and year. vin-info knows no years; corgi-rs tells the model, too, of cars of North America.
mod decode {
    use super::*;

    #[divan::bench]
    fn vinspect(bencher: Bencher) {
        each(bencher, |text| {
            text.parse::<vinspect::vin::Vin>().unwrap().decode(2026)
        });
    }

    #[divan::bench]
    fn mb_vin(bencher: Bencher) {
        each(bencher, |text| {
            let vin = mb_vin::Vin::parse_str(text).unwrap();
            let info = vin.lookup_wmi_info();
            black_box(info.map(|info| (info.manufacturer, info.country)));
            vin.year_of_manufacture()
        });
    }

    #[divan::bench]
    fn vin_info(bencher: Bencher) {
        each(bencher, |text| {
            let vin = vin_info::Vin::try_new(text).unwrap();
            (vin.manufacturer_name().len(), vin.manufacturer_country().len())
        });
    }

    #[divan::bench]
    fn corgi_rs(bencher: Bencher) {
        let decoder = corgi_rs::VinDecoder::new();
        each(bencher, |text| decoder.decode(text).is_ok());
    }
}
