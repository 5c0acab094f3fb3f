use super::*;
use crate::seed::stream;

fn images(count: usize, seed: u64, style: Style) -> Vec<(u8, Vec<u8>)> {
    let mut rng = stream(seed, "digits");
    let draw = |k: usize| {
        let mut pixels = vec![0; 32 * 32];
        let digit = (k % 10) as u8;
        draw(&Style { digit, ..style }, [1, 32, 32], None, &mut rng, &mut pixels);
        (digit, pixels)
    };
    (0..count).map(draw).collect()
}

fn mean(pixels: &[u8]) -> f64 {
    pixels.iter().map(|&p| f64::from(p)).sum::<f64>() / pixels.len() as f64
}

/// The nearest of other drawings tells the digit.
#[test]
fn digits_are_told_apart_and_no_two_are_alike() {
    let (known, asked) = (images(2_000, 1, Style::default()), images(500, 2, Style::default()));
    let far =
        |a: &[u8], b: &[u8]| -> i32 { a.iter().zip(b).map(|(&x, &y)| (i32::from(x) - i32::from(y)).pow(2)).sum() };
    let mut right = 0;
    for (digit, image) in &asked {
        let (nearest, distance) =
            known.iter().map(|(d, other)| (d, far(image, other))).min_by_key(|found| found.1).unwrap();
        assert!(distance > 0, "two drawings are the same");
        right += usize::from(nearest == digit);
    }
    assert!(right >= 485, "{right} of 500"); // 97 %
}

#[test]
fn ink_stays_inside_and_follows_thickness_and_color() {
    let thin = images(300, 3, Style { thickness: Some(0.0), ..Style::default() });
    let thick = images(300, 3, Style { thickness: Some(1.0), ..Style::default() });
    let ink = |list: &[(u8, Vec<u8>)]| list.iter().map(|i| mean(&i.1)).sum::<f64>() / list.len() as f64;
    assert!(ink(&thick) > 1.5 * ink(&thin), "{} {}", ink(&thick), ink(&thin));
    for (digit, pixels) in thin.iter().chain(&thick) {
        let edge = (0..32).map(|k| [pixels[k], pixels[31 * 32 + k]]).collect::<Vec<_>>().concat();
        assert!(mean(&edge) < 30.0, "{digit} runs over the edge");
        assert!(mean(pixels) > 5.0 && *pixels.iter().max().unwrap() > 150);
    }
    let mut pixels = vec![0; 3 * 20 * 28];
    let style = Style { digit: 8, color: [255, 0, 0], ..Style::default() };
    draw(&style, [3, 20, 28], None, &mut stream(1, "x"), &mut pixels);
    assert!(mean(&pixels[..560]) > 10.0 && pixels[560..].iter().all(|&p| p == 0));
}

#[test]
fn slant_leans_to_the_right_and_without_jitter_only_the_way_of_writing_varies() {
    // The ink of the upper half lies to the right of that of the lower half by the slant.
    let lean = |slant: f32| {
        let style = Style { digit: 1, slant: Some(slant), jitter: 0.0, thickness: Some(0.5), ..Style::default() };
        let mut pixels = vec![0; 32 * 32];
        draw(&style, [1, 32, 32], None, &mut stream(4, "x"), &mut pixels);
        let middle = |rows: std::ops::Range<usize>| {
            let at = rows.flat_map(|r| (0..32).map(move |c| (r * 32 + c, c as f64)));
            let (sum, total) =
                at.fold((0.0, 0.0), |(s, t), (i, c)| (s + c * f64::from(pixels[i]), t + f64::from(pixels[i])));
            sum / total
        };
        middle(4..16) - middle(16..28)
    };
    assert!(lean(0.4) > lean(0.0) + 2.0 && lean(-0.4) < lean(0.0) - 2.0, "{} {} {}", lean(-0.4), lean(0.0), lean(0.4));
    let mut rng = stream(5, "x");
    let mut shapes = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let mut pixels = vec![0; 28 * 28];
        let style = Style { digit: 4, thickness: Some(0.5), slant: Some(0.0), jitter: 0.0, ..Style::default() };
        draw(&style, [1, 28, 28], None, &mut rng, &mut pixels);
        shapes.insert(pixels);
    }
    assert_eq!(shapes.len(), TEMPLATES[4].len());
}

#[test]
fn a_collection_gives_its_own_images() {
    // Digit d is a bar of d + 1 rows.
    let bar = |d: u8| (0..28 * 28).map(move |at| if at / 28 <= usize::from(d) + 8 && at / 28 > 8 { 200 } else { 0 });
    let images: Vec<u8> = (0..10).flat_map(bar).collect();
    let labels: Vec<u8> = (0..10).collect();
    let collection = Collection::new(28, 28, &images, &labels).unwrap();
    let still = Style { digit: 3, jitter: 0.0, thickness: Some(0.5), ..Style::default() };
    let mut pixels = vec![0; 28 * 28];
    draw(&still, [1, 28, 28], Some(&collection), &mut stream(1, "x"), &mut pixels);
    assert_eq!(pixels, bar(3).collect::<Vec<u8>>());
    let ink = |thickness| {
        let mut pixels = vec![0; 28 * 28];
        let style = Style { thickness: Some(thickness), ..still };
        draw(&style, [1, 28, 28], Some(&collection), &mut stream(1, "x"), &mut pixels);
        mean(&pixels)
    };
    assert!(ink(0.0) < ink(0.5) && ink(0.5) < ink(1.0) && ink(1.0) < ink(2.0));
    assert_eq!(Collection::new(28, 28, &images[784..], &labels).unwrap_err(), "there are 9 images and 10 labels");
    assert_eq!(Collection::new(28, 28, &images, &[9; 10]).unwrap_err(), "no image shows a 0");
    assert!(Collection::new(28, 28, &images, &[10; 10]).is_err());
}
