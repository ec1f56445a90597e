//! A binomial blur of three pixels.

/// Each pixel takes half of its two neighbours' mean, in rows and then in columns; beyond an edge the picture goes on as at its edge.
/// `width`: pixels a row, of which `pixels` holds whole ones.
pub fn soften(pixels: &mut [f32], width: usize) {
    let height = pixels.len().checked_div(width).unwrap_or(0);
    for row in 0..height {
        soften_line(pixels, row * width, 1, width);
    }
    for column in 0..width {
        soften_line(pixels, column, width, height);
    }
}

/// One row or column: `count` pixels from `first` on, each `step` after the one before.
fn soften_line(pixels: &mut [f32], first: usize, step: usize, count: usize) {
    let mut before = None;
    for i in 0..count {
        let at = first + i * step;
        let here = pixels[at];
        let after = if i + 1 < count {
            pixels[at + step]
        } else {
            here
        };
        pixels[at] = 0.25 * before.unwrap_or(here) + 0.5 * here + 0.25 * after;
        before = Some(here);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_spreads_to_its_neighbours() {
        let mut pixels = vec![0.0; 25];
        pixels[12] = 16.0;
        soften(&mut pixels, 5);
        let middle = [0.0, 1.0, 2.0, 1.0, 0.0];
        let rows = [0.0, 1.0, 2.0, 1.0, 0.0].map(|share| middle.map(|value| share * value));
        assert_eq!(pixels, rows.as_flattened());
    }

    #[test]
    fn edges_are_no_darker() {
        for (width, height) in [(1, 1), (1, 4), (4, 1), (3, 2), (0, 0)] {
            let mut pixels = vec![0.5; width * height];
            soften(&mut pixels, width);
            assert!(pixels.iter().all(|&pixel| pixel == 0.5), "{width}×{height}");
        }
    }
}
