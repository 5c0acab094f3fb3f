//! Draws of categorical variables, and how likely they were.

use candle_core::{DType, Result, Tensor};

/// One-hot draws `[rows, values]` from the softmax of the rows of `logits`, `noise` being standard Gumbel numbers of the same
/// shape (Gumbel-max: Maddison, Tarlow & Minka 2014). They have no gradient.
///
/// # Errors
/// Where the shapes differ.
pub fn choose(logits: &Tensor, noise: &Tensor) -> Result<Tensor> {
    let (rows, card) = logits.dims2()?;
    let best = (logits.detach() + noise)?.argmax_keepdim(1)?.broadcast_as((rows, card))?;
    let values = Tensor::arange(0u32, card as u32, logits.device())?.reshape((1, card))?.broadcast_as((rows, card))?;
    values.eq(&best)?.to_dtype(DType::F32)
}

/// The log probability `[rows]` of one-hot `chosen [rows, values]` under the softmax of the rows of `logits`, differentiable in these.
///
/// # Errors
/// Where the shapes differ.
pub fn log_probability(logits: &Tensor, chosen: &Tensor) -> Result<Tensor> {
    (candle_nn::ops::log_softmax(logits, 1)? * chosen)?.sum(1)
}

/// The place of the largest entry of `row`, the first among equals.
pub fn largest(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradients, random};
    use super::super::{Parameter, linear, tensor};
    use super::*;

    fn logits(p: &[Parameter]) -> Result<Tensor> {
        let bias = Parameter::fixed(vec![0.0; 3], &[3])?;
        linear(&tensor(random(8, 1), &[4, 2])?, &p[0], &bias, 1.0)
    }

    #[test]
    fn the_largest_sum_is_chosen() {
        let logits = tensor(vec![0.0, 2.0, 1.0, 5.0, 0.0, 0.0], &[2, 3]).unwrap();
        let noise = tensor(vec![0.0, 0.0, 1.5, 0.0, 0.0, 4.0], &[2, 3]).unwrap();
        let chosen = choose(&logits, &noise).unwrap();
        assert_eq!(chosen.to_vec2::<f32>().unwrap(), [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
        let log_p = log_probability(&logits, &chosen).unwrap().to_vec1::<f32>().unwrap();
        let total: f32 = [0.0f32, 2.0, 1.0].iter().map(|l| l.exp()).sum();
        assert!((log_p[0] - (1.0 - total.ln())).abs() < 1e-6, "{log_p:?}");
    }

    #[test]
    fn gradients_of_log_probabilities() {
        let chosen =
            tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]].concat(), &[4, 3]).unwrap();
        gradients(&[(random(6, 3), vec![2, 3])], |p| log_probability(&logits(p)?, &chosen)?.sum_all());
    }
}
