use super::super::check::{gradients, random, weighted};
use super::super::{linear, with_threads};
use super::*;

/// Every kind of path: unfolded and direct, one and several groups, borders, remainders, rectangles.
fn cases() -> Vec<(Geometry, usize, usize)> {
    let conv = |large, kernel, stride, padding| Geometry::conv(large, kernel, stride, padding).unwrap();
    vec![
        (conv((6, 6), 4, 2, 1), 2, 3),
        (conv((6, 4), 4, 2, 1), 9, 2),
        (conv((7, 5), 4, 2, 1), 10, 17),
        (conv((4, 4), 4, 1, 0), 9, 5),
        (conv((4, 4), 4, 1, 0), 3, 1),
        (conv((3, 5), 3, 1, 1), 12, 33),
        (conv((5, 5), 3, 1, 1), 1, 4),
        (conv((5, 4), 1, 1, 0), 4, 6),
        (conv((9, 8), 3, 3, 2), 9, 9),
    ]
}

/// The convolution written out in double precision.
fn plain(g: &Geometry, channels: (usize, usize), x: &[f32], w: &[f32]) -> Vec<f64> {
    let pictures = x.len() / (g.large.0 * g.large.1 * channels.0);
    let mut y = vec![];
    for picture in 0..pictures {
        for (at_y, at_x) in (0..g.small.0).flat_map(|y| (0..g.small.1).map(move |x| (y, x))) {
            for o in 0..channels.1 {
                let mut sum = 0.0;
                for (ky, kx) in (0..g.kernel).flat_map(|y| (0..g.kernel).map(move |x| (y, x))) {
                    let (row, column) = (at_y * g.stride + ky, at_x * g.stride + kx);
                    let inside = |at: usize, size: usize| at >= g.padding && at - g.padding < size;
                    if inside(row, g.large.0) && inside(column, g.large.1) {
                        let pixel = (picture * g.large.0 + row - g.padding) * g.large.1 + column - g.padding;
                        for c in 0..channels.0 {
                            let weight = w[((ky * g.kernel + kx) * channels.0 + c) * channels.1 + o];
                            sum += f64::from(x[pixel * channels.0 + c]) * f64::from(weight);
                        }
                    }
                }
                y.push(sum);
            }
        }
    }
    y
}

fn pictures(count: usize, (height, width): (usize, usize), channels: usize, seed: u64) -> Tensor {
    let dims = [count, height, width, channels];
    tensor(random(dims.iter().product(), seed), &dims).unwrap()
}

fn weights(g: &Geometry, large: usize, small: usize) -> (Vec<f32>, Vec<usize>) {
    let dims = vec![g.kernel, g.kernel, large, small];
    (random(dims.iter().product(), 7), dims)
}

fn flat(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn convolutions_agree_with_the_plain_sum() {
    for (g, large, small) in cases() {
        let x = pictures(3, g.large, large, 1);
        let (w, dims) = weights(&g, large, small);
        let weight = Parameter::fixed(w.clone(), &dims).unwrap();
        let bias = Parameter::fixed(random(small, 3), &[small]).unwrap();
        let found = flat(&conv2d(&x, &weight, Shift::Bias(&bias), 0.2, g).unwrap());
        let bias = bias.values().unwrap();
        for (at, (found, sum)) in found.iter().zip(plain(&g, (large, small), &flat(&x), &w)).enumerate() {
            let sum = sum + f64::from(bias[at % small]);
            let expected = if sum > 0.0 { sum } else { 0.2 * sum };
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{g:?} {at}: {found} {expected}");
        }
    }
}

/// `⟨y, x ⋆ W⟩ = ⟨Wᵀ y, x⟩`, with an `x` of one pixel at a time.
#[test]
fn the_transposed_convolution_is_the_adjoint() {
    for (g, large, small) in cases() {
        let y = pictures(2, g.small, small, 2);
        let (w, dims) = weights(&g, large, small);
        let weight = Parameter::fixed(w.clone(), &dims).unwrap();
        let found = flat(&conv_transpose2d(&y, &weight, Shift::None, 1.0, g).unwrap());
        let (y, size) = (flat(&y), found.len() / 2);
        for at in 0..found.len() {
            let mut x = vec![0.0; found.len()];
            x[at] = 1.0;
            let convolved = plain(&g, (large, small), &x, &w);
            let expected: f64 = convolved.iter().zip(&y).map(|(a, b)| a * f64::from(*b)).sum();
            assert!((f64::from(found[at]) - expected).abs() < 1e-4, "{g:?} {} of {size}: {}", at, found[at]);
        }
    }
}

/// Two layers, so that the gradient to a layer's input is checked by the weights below it; own shifts for the
/// pictures come from a linear layer.
#[test]
fn gradients_of_convolutions() {
    for (g, large, small) in cases().into_iter().filter(|(_, large, small)| large * small < 60) {
        let (codes, size) = (tensor(random(6, 4), &[2, 3]).unwrap(), (g.large.0 * g.large.1, large));
        let first = 3 * size.0 * size.1;
        let parameters = [
            (random(first, 5), vec![3, size.0 * size.1]),
            weights(&g, large, small),
            (random(3 * small, 6), vec![3, small]),
            (random(small, 8), vec![small]),
        ];
        gradients(&parameters, |p| {
            let none = Parameter::fixed(vec![0.0; size.0 * size.1], &[size.0 * size.1])?;
            let x = linear(&codes, &p[0], &none, 1.0)?.reshape((2, g.large.0, g.large.1, large))?;
            let rows = linear(&codes, &p[2], &p[3], 1.0)?;
            // Slope 1: a small step must cross no kink.
            weighted(&conv2d(&x, &p[1], Shift::Rows(&rows), 1.0, g)?)
        });
        let parameters = [
            (random(3 * g.small.0 * g.small.1 * small, 5), vec![3, g.small.0 * g.small.1 * small]),
            weights(&g, large, small),
            (random(large, 8), vec![large]),
        ];
        gradients(&parameters, |p| {
            let count = g.small.0 * g.small.1 * small;
            let none = Parameter::fixed(vec![0.0; count], &[count])?;
            let y = linear(&codes, &p[0], &none, 1.0)?.reshape((2, g.small.0, g.small.1, small))?;
            weighted(&conv_transpose2d(&y, &p[1], Shift::Bias(&p[2]), 1.0, g)?)
        });
    }
}

/// The gradient of an activated convolution is that of its linear one, masked.
#[test]
fn gradients_pass_the_activation() {
    let (g, large, small) = (Geometry::conv((6, 6), 4, 2, 1).unwrap(), 3, 4);
    let x = pictures(2, g.large, large, 1);
    let (w, dims) = weights(&g, large, small);
    let gradient = |slope: f32| {
        let weight = Parameter::trained(&w, &dims).unwrap();
        let bias = Parameter::trained(&random(small, 3), &[small]).unwrap();
        let y = conv2d(&x, &weight, Shift::Bias(&bias), slope, g).unwrap();
        let factors: Vec<f32> = flat(&y).iter().map(|v| if slope != 1.0 || *v > 0.0 { 1.0 } else { 0.2 }).collect();
        y.mul(&tensor(factors, y.dims()).unwrap()).unwrap().sum_all().unwrap().backward().unwrap();
        [weight.gradient().unwrap(), bias.gradient().unwrap()].concat()
    };
    for (a, b) in gradient(0.2).iter().zip(gradient(1.0)) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let run = || {
        let (g, large, small) = (Geometry::conv((16, 16), 4, 2, 1).unwrap(), 24, 40);
        let x = candle_core::Var::from_tensor(&pictures(9, g.large, large, 1)).unwrap();
        let (w, dims) = weights(&g, large, small);
        let weight = Parameter::trained(&w, &dims).unwrap();
        let bias = Parameter::trained(&random(small, 3), &[small]).unwrap();
        let y = conv2d(&x, &weight, Shift::Bias(&bias), 0.2, g).unwrap();
        let gradients = weighted(&y).unwrap().backward().unwrap();
        let dx = flat(gradients.get(&x).unwrap());
        (flat(&y), weight.gradient().unwrap(), bias.gradient().unwrap(), dx)
    };
    let one = run();
    for threads in [1, 2, 3, 7] {
        assert!(with_threads(threads, run).unwrap() == one, "{threads} threads");
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let g = Geometry::conv((6, 6), 4, 2, 1).unwrap();
    let weight = Parameter::fixed(random(4 * 4 * 2 * 3, 1), &[4, 4, 2, 3]).unwrap();
    let conv = |x: &Tensor, shift| conv2d(x, &weight, shift, 1.0, g);
    assert!(conv(&pictures(1, (6, 6), 2, 1), Shift::None).is_ok());
    assert!(conv(&pictures(1, (6, 5), 2, 1), Shift::None).is_err());
    assert!(conv(&pictures(1, (6, 6), 3, 1), Shift::None).is_err());
    let rows = tensor(random(6, 1), &[2, 3]).unwrap();
    assert!(conv(&pictures(1, (6, 6), 2, 1), Shift::Rows(&rows)).is_err());
    assert!(conv_transpose2d(&pictures(1, (6, 6), 3, 1), &weight, Shift::None, 1.0, g).is_err());
    assert!(conv2d(&tensor(vec![0.0; 4], &[2, 2]).unwrap(), &weight, Shift::None, 1.0, g).is_err());
    assert_eq!(Geometry::conv((2, 2), 4, 2, 0), None);
    assert_eq!(Geometry::conv((4, 4), 0, 1, 0), None);
    assert_eq!(Geometry::conv((4, 4), 4, 0, 0), None);
    assert_eq!(Geometry::transposed((4, 4), 4, 2, 1).map(|g| g.large), Some((8, 8)));
    assert_eq!(Geometry::transposed((1, 1), 2, 1, 1), None);
}
