//! From points to pixels: smooth curves drawn with a round pen.

/// Points on a smooth curve through `points` (Catmull–Rom).
pub(super) fn curve(points: &[[f32; 2]]) -> Vec<[f32; 2]> {
    const STEPS: usize = 5;
    let last = points.len() - 1;
    if last < 2 {
        return points.to_vec();
    }
    let mut found = Vec::with_capacity(last * STEPS + 1);
    for at in 0..last {
        let [before, from, to, after] =
            [points[at.saturating_sub(1)], points[at], points[at + 1], points[(at + 2).min(last)]];
        for step in 0..STEPS {
            let t = step as f32 / STEPS as f32;
            found.push([0, 1].map(|axis| {
                let (a, b, c, d) = (before[axis], from[axis], to[axis], after[axis]);
                let (linear, square) = (c - a, 2.0 * a - 5.0 * b + 4.0 * c - d);
                0.5 * (2.0 * b + t * (linear + t * (square + t * (3.0 * (b - c) + d - a))))
            }));
        }
    }
    found.push(points[last]);
    found
}

/// Draws a line through `points` (in pixels) with a pen of `radius` pixels onto `ink` (`height` × `width`, 0 to 1):
/// a pixel is covered by as much as the pen reaches over its middle.
pub(super) fn line(points: &[[f32; 2]], radius: f32, ink: &mut [f32], width: usize) {
    let height = ink.len() / width;
    let within = |x: f32, end: usize| (x.max(0.0) as usize).min(end);
    for ends in points.windows(2) {
        let (from, to) = (ends[0], ends[1]);
        let along = [to[0] - from[0], to[1] - from[1]];
        let length = (along[0] * along[0] + along[1] * along[1]).max(1e-9);
        let reach = radius + 1.0;
        let rows = within(from[1].min(to[1]) - reach, height)..within(from[1].max(to[1]) + reach + 1.0, height);
        let columns = within(from[0].min(to[0]) - reach, width)..within(from[0].max(to[0]) + reach + 1.0, width);
        for row in rows {
            for column in columns.clone() {
                let at = [column as f32 + 0.5 - from[0], row as f32 + 0.5 - from[1]];
                let share = ((at[0] * along[0] + at[1] * along[1]) / length).clamp(0.0, 1.0);
                let off = [at[0] - share * along[0], at[1] - share * along[1]];
                let squared = off[0] * off[0] + off[1] * off[1];
                if squared < (radius + 0.5) * (radius + 0.5) {
                    let cover = (radius + 0.5 - squared.sqrt()).min(1.0);
                    let pixel = &mut ink[row * width + column];
                    *pixel = pixel.max(cover);
                }
            }
        }
    }
}
