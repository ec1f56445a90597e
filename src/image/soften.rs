//! A binomial blur of three pixels.

/// Each pixel takes half of its two neighbours' mean, in rows and then in columns; beyond an edge the picture goes on as at its edge.
/// `width`: pixels a row, of which `pixels` holds whole ones.
pub fn soften(pixels: &mut [f32], width: usize) {
    if width == 0 {
        return;
    }
    for row in pixels.chunks_exact_mut(width) {
        let mut before = row[0];
        for x in 0..width {
            let after = row[(x + 1).min(width - 1)];
            let here = row[x];
            row[x] = blend(before, here, after);
            before = here;
        }
    }
    let Some(first) = pixels.get(..width) else {
        return;
    };
    let mut before = first.to_vec();
    let mut rows = pixels.chunks_exact_mut(width).peekable();
    while let Some(row) = rows.next() {
        let after = rows.peek();
        for (x, before) in before.iter_mut().enumerate() {
            let here = row[x];
            row[x] = blend(*before, here, after.map_or(here, |row| row[x]));
            *before = here;
        }
    }
}

fn blend(before: f32, here: f32, after: f32) -> f32 {
    0.25 * before + 0.5 * here + 0.25 * after
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
