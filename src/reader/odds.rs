//! Probabilities as logarithms and as odds.

/// The logarithm of a sum of what is given as logarithms.
pub(super) fn log_sum(logs: &[f32]) -> f32 {
    let highest = logs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logs.iter().map(|log| (log - highest).exp()).sum();
    highest + sum.ln()
}

/// Makes probabilities, as logarithms, add up to 1; the logarithm of what they added up to.
pub(super) fn normalise(logs: &mut [f32]) -> f32 {
    let all = log_sum(logs);
    logs.iter_mut().for_each(|log| *log -= all);
    all
}

/// The probability of log-odds.
pub(super) fn logistic(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Log-odds of a probability, within ±16.
pub(super) fn logit(probability: f32) -> f32 {
    let p = probability.clamp(1e-7, 1.0 - 1e-7);
    (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_to_one() {
        let mut logs: [f32; 33] = std::array::from_fn(|i| i as f32 * 3.0 - 40.0);
        normalise(&mut logs);
        let sum: f32 = logs.iter().map(|log| log.exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5 && logs[32] > -0.1);
    }
}
