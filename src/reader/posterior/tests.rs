#![allow(clippy::unwrap_used)]

use super::sums::Indices;
use super::*;
use crate::reader::script;
use crate::vin::{ALPHABET, CheckDigit};
use proptest::prelude::*;
use std::collections::HashMap;

/// A place that may be one of two characters, with the log-odds of the first; the others are as good as impossible.
type Choice = (usize, usize, f32);

const IMPOSSIBLE: f32 = -59.0;

fn of_choices(choices: &[Choice]) -> [[f32; CHARACTERS]; LENGTH] {
    std::array::from_fn(|place| {
        let (first, second, odds) = choices[place];
        let mut logs = [IMPOSSIBLE; CHARACTERS];
        logs[second] = 0.0;
        logs[first] = odds;
        logs
    })
}

/// All VINs of the choices with their weights, by the definition.
fn enumerate(choices: &[Choice], temperature: f32) -> HashMap<Indices, f64> {
    let log_p = of_choices(choices);
    let mut vins = HashMap::new();
    for bits in 0..1u32 << LENGTH {
        let vin: Indices = std::array::from_fn(|i| {
            if bits >> i & 1 == 0 {
                choices[i].0 as u8
            } else {
                choices[i].1 as u8
            }
        });
        let log: f64 = (0..LENGTH)
            .map(|i| f64::from(log_p[i][usize::from(vin[i])] / temperature))
            .sum();
        vins.insert(vin, log.exp() * PRIORS.chance(&vin));
    }
    vins
}

fn choice() -> impl Strategy<Value = Choice> {
    // A good half of the places is not in doubt, as in life; it also keeps the enumeration varied.
    (0..CHARACTERS, 0..CHARACTERS, -4.0f32..4.0, any::<bool>())
        .prop_map(|(a, b, odds, sure)| if sure { (a, a, 0.0) } else { (a, b, odds) })
}

/// A choice for each place; two thirds of the VINs may begin as one of a counted or of a registered model does.
fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let beginning = prop_oneof![
        Just(Vec::new()),
        (0..PRIORS.models.len()).prop_map(|index| PRIORS.models[index].characters.to_vec()),
        (0..PRIORS.registered.len()).prop_flat_map(|maker| {
            let Registrant { code, rows, .. } = &PRIORS.registered[maker];
            (0..rows.len()).prop_map(|row| of_registered(*code, &rows[row]))
        }),
    ];
    (proptest::collection::vec(choice(), LENGTH), beginning).prop_map(|(mut choices, beginning)| {
        for (choice, character) in choices.iter_mut().zip(beginning) {
            let sure = choice.0 == choice.1;
            choice.0 = usize::from(character);
            choice.1 = if sure { choice.0 } else { choice.1 };
        }
        choices
    })
}

/// The first eleven characters of a VIN that is as registered.
fn of_registered(code: [u8; 3], row: &Registered) -> Vec<u8> {
    let custom = PRIORS.custom_of(code, row);
    let likeliest = |place: usize| {
        let chances = custom.places[place].iter().enumerate();
        chances
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(c, _)| c as u8)
    };
    code.into_iter().chain((3..11).map(likeliest)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn agrees_with_the_definition(choices in choices(), temperature in 0.5f32..2.0) {
        let posterior = Posterior::new(&of_choices(&choices), temperature);
        let vins = enumerate(&choices, temperature);
        let total: f64 = vins.values().sum();
        let all = total + others(&of_choices(&choices).map(|logs| logs.map(|log| f64::from(log / temperature).exp())));
        let mut sorted: Vec<_> = vins.iter().map(|(vin, weight)| (weight / all, Vin::from_indices(vin))).collect();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
        prop_assert!((posterior.log_evidence - total.ln()).abs() < 1e-4, "{} {}", posterior.log_evidence, total.ln());
        for (i, (found, (probability, _))) in posterior.candidates.iter().zip(&sorted).enumerate() {
            // Of VINs that come about in two ways only the likelier one makes a candidate.
            let least = if i == 0 { *probability } else { probability / 2.0 };
            prop_assert!(f64::from(found.probability) > least - 1e-5);
            let own = sorted.iter().find(|(_, vin)| *vin == found.vin).map_or(0.0, |(p, _)| *p);
            prop_assert!((f64::from(found.probability) - own).abs() < 1e-5);
        }
        let mut places = [[0.0; CHARACTERS]; LENGTH];
        for (vin, weight) in &vins {
            for (place, character) in vin.iter().enumerate() {
                places[place][usize::from(*character)] += weight / all;
            }
        }
        for (found, wanted) in posterior.places.iter().flatten().zip(places.iter().flatten()) {
            prop_assert!((f64::from(*found) - wanted).abs() < 1e-5);
        }
    }

    #[test]
    fn never_panics_and_adds_up(logs in proptest::collection::vec(any::<f32>(), LENGTH * CHARACTERS)) {
        let log_p = std::array::from_fn(|i| std::array::from_fn(|c| logs[i * CHARACTERS + c]));
        let posterior = Posterior::new(&log_p, 1.0);
        prop_assert_eq!(posterior.candidates.len(), KEPT);
        for (i, candidate) in posterior.candidates.iter().enumerate() {
            prop_assert!(posterior.candidates[..i].iter().all(|other| other.vin != candidate.vin));
        }
        prop_assert!(posterior.candidates.is_sorted_by(|a, b| a.probability >= b.probability));
        // Each place adds up to the probability that this is a VIN, of which the candidates are a part.
        let vin = posterior.places[0].iter().sum::<f32>();
        let named: f32 = posterior.candidates.iter().map(|candidate| candidate.probability).sum();
        prop_assert!(named < vin + 1e-3 && vin < 1.001, "{named} {vin}");
        for place in posterior.places {
            prop_assert!((place.iter().sum::<f32>() - vin).abs() < 1e-3);
        }
        prop_assert!(posterior.log_odds.is_finite());
    }
}

#[test]
fn a_clear_strip_is_read_as_it_is() {
    for text in [
        "1HGCM82633A004352",
        "XW8ZZZ1KZ9G000123",
        "LVVDB11B6MD000123",
        "WDB2030461A000001",
        "KMHE341DBGA000001",
    ] {
        let posterior = Posterior::new(&script::clear(text), 1.0);
        assert_eq!(posterior.best().vin.as_str(), text);
        assert!(
            posterior.best().probability > 0.99,
            "{text}: {}",
            posterior.best().probability
        );
    }
}

/// 8 or B at even odds in a European car of which none was counted: nothing decides but the shares of digits and letters.
#[test]
fn even_odds_stay_about_even_where_no_rule_decides() {
    let log_p = script::doubt("SCCZZZ18Z8H000001", 8, 'B', 0.0);
    let posterior = Posterior::new(&log_p, 1.0);
    assert!(
        posterior.best().probability < 0.8,
        "{}",
        posterior.best().probability
    );
    assert_eq!(posterior.least_sure_place().0, 8);
}

/// The check digit may decide between two readings that the pixels like equally, but it must not make light of
/// pixels that clearly say something else.
#[test]
fn a_correction_costs_what_the_pixels_say_against_it() {
    // Nothing is registered of the first, and of the second that it is right.
    let few = [0.0, 2.0, 4.0, 6.0, 9.0].as_slice();
    let more = [0.0, 3.0, 6.0, 9.0, 12.0, 15.0].as_slice();
    for (right, all) in [("LSVCM8268K2004352", few), ("1HGCM82633A004352", more)] {
        let mut last = 1.0;
        for &against in all {
            let log_p = script::doubt(right, 4, 'G', against);
            let posterior = Posterior::new(&log_p, 1.0);
            let mut found = posterior.candidates.iter();
            let found = found.find(|c| c.vin.as_str() == right);
            let probability = found.map_or(0.0, |c| c.probability);
            assert!(
                probability < last,
                "{right} {against}: {probability} is not below {last}"
            );
            last = probability;
        }
        assert!(last < 0.5, "{right} {last}");
    }
}

/// M and D both count as 4: the check digit is blind to them.
#[test]
fn the_check_digit_cannot_tell_characters_of_equal_value() {
    let log_p = script::doubt("LSVCM8268K2004352", 5, 'D', 0.0);
    let posterior = Posterior::new(&log_p, 1.0);
    assert!(
        posterior.best().probability < 0.7,
        "{}",
        posterior.best().probability
    );
    assert_eq!(posterior.candidates[1].vin.check_digit(), CheckDigit::Pass);
}

#[test]
fn a_known_maker_is_likelier_than_none() {
    let log_p = script::doubt("WVWZZZ1KZ8W000001", 2, '0', 0.0);
    let posterior = Posterior::new(&log_p, 1.0);
    assert_eq!(posterior.best().vin.as_str(), "WVWZZZ1KZ8W000001");
    assert!(
        posterior.candidates[1].probability > 1e-6,
        "the unknown one is not ruled out"
    );
}

/// A model that was counted is likelier than one that was not, but clear pixels make a new one known.
#[test]
fn a_counted_model_is_likelier_than_a_new_one() {
    let counted = "XW8ZZZ61ZKG000123";
    let even = Posterior::new(&script::doubt(counted, 7, '5', 0.0), 1.0);
    assert_eq!(even.best().vin.as_str(), counted);
    assert!(even.best().probability > 0.95);
    let clear = Posterior::new(&script::doubt(counted, 7, '5', 12.0), 1.0);
    assert_eq!(clear.best().vin.as_str(), "XW8ZZZ51ZKG000123");
}

/// No Corolla was counted. Its maker has told that one may begin with 2T1B, and none with 2T1S; both letters count the same in the check
/// digit.
#[test]
fn a_registered_model_is_likelier_than_another() {
    let log_p = script::doubt("2T1BR30E46C591864", 4, 'S', 0.0);
    let posterior = Posterior::new(&log_p, 1.0);
    assert_eq!(posterior.best().vin.as_str(), "2T1BR30E46C591864");
    assert!(posterior.best().probability > 0.95);
    let clear = Posterior::new(&script::doubt("2T1BR30E46C591864", 4, 'S', 12.0), 1.0);
    assert_eq!(clear.best().vin.as_str(), "2T1SR30E46C591864");
}

/// WV1ZZZ2K was counted and WV2ZZZ2K was not, but they are brands of one company.
#[test]
fn a_siblings_model_is_not_unheard_of() {
    let log_p = script::doubt("WV1ZZZ2KZAX012205", 3, '2', 10.0);
    let posterior = Posterior::new(&log_p, 1.0);
    assert_eq!(posterior.best().vin.as_str(), "WV2ZZZ2KZAX012205");
}

/// Vehicles of this model were made in one plant only.
#[test]
fn a_model_has_its_own_plant() {
    let log_p = script::doubt("XW8ZZZ61ZKG000123", 11, 'C', 0.0);
    let posterior = Posterior::new(&log_p, 1.0);
    assert_eq!(posterior.best().vin.as_str(), "XW8ZZZ61ZKG000123");
    assert!(posterior.best().probability > 0.9);
}

/// This maker computes the check digit for some models, and has a Z in its place for others.
#[test]
fn a_model_has_its_own_check_digit() {
    let log_p = script::doubt("XW8AC2NHXNK000125", 17, '6', 0.0);
    let posterior = Posterior::new(&log_p, 1.0);
    assert_eq!(posterior.best().vin.as_str(), "XW8AC2NHXNK000125");
    assert!(posterior.best().probability > 0.98);
    let log_p = script::doubt("XW8ZZZ61ZKG000125", 17, '6', 0.0);
    assert!(Posterior::new(&log_p, 1.0).best().probability < 0.6);
}

#[test]
fn flat_pixels_say_nothing() {
    let posterior = Posterior::new(&[[-(CHARACTERS as f32).ln(); CHARACTERS]; LENGTH], 1.0);
    assert!(posterior.best().probability < 1e-6);
    assert!((posterior.log_evidence + 17.0 * (CHARACTERS as f64).ln()).abs() < 1e-3);
    assert_eq!(ALPHABET.len(), CHARACTERS);
}

fn is_read_but_no_vin(text: &str) {
    let posterior = Posterior::new(&script::clear(text), 1.0);
    assert_eq!(posterior.best().vin.as_str(), text);
    assert!(posterior.is_vin < 0.1, "{text} {}", posterior.is_vin);
    assert!(posterior.best().probability <= posterior.is_vin);
}

#[test]
fn a_row_of_any_characters_is_no_vin() {
    for row in [
        "0ZKU93RWXBN4TCHPG",
        "UD5XK9ZH0RWLBNTCE",
        "ZZK3PA8RUXW0LJNBT",
    ] {
        is_read_but_no_vin(row);
    }
}

#[test]
fn a_number_of_17_digits_is_no_vin() {
    // The last has a check digit that holds, and begins with a maker's code.
    for number in [
        "73926451830274615",
        "11111111111111111",
        "53812345367890123",
    ] {
        is_read_but_no_vin(number);
    }
    let vin = Posterior::new(&script::clear("1M112345678901234"), 1.0);
    assert!(vin.is_vin > 0.9, "one letter is enough: {}", vin.is_vin);
}
