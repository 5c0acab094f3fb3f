dcm 1 "Coloured MNIST 2: counterfactual images"
# Rahman & Kocaoglu, ICML 2024, section 5.4 and appendix F.4: W is the sum of X1 and X2; Y1 and Y2 are the digits of
# its square, drawn by I1 and I2 in a common colour and thickness. X2 and Color share a hidden cause. The four questions are
# those of the paper's figure 24: what goes with X1 = 1 and X2 = 4, what setting them does, what it would have done where
# they were 0 and 1, and what goes with those. The pictures come from a generator that `digits_gan.scm` trained.

X1 -> X2
{X1, X2} -> W -> {Y1, Y2, Thick, Color}
{Y1, Color, Thick} -> I1
{Y2, Color, Thick} -> I2
X1 <-> X2 <-> Color

X1:        binary
X2:        int[0..8]
W, Y1, Y2: int[0..9]
Color:     categorical {red, green, blue}
Thick:     categorical {thin, thick}
I1:        image[3,32,32] { mechanism: pretrained { file: "data/digits_gan.safetensors", inputs: [Y1, Color, Thick] } }
I2:        image[3,32,32] { mechanism: pretrained { file: "data/digits_gan.safetensors", inputs: [Y2, Color, Thick] } }

truth {
  U1 ~ bernoulli(0.5)                # of X1 and X2
  U2 ~ categorical(0.15, 0.5, 0.35)  # of X2 and Color
  X1 = if bernoulli(0.75) == 1 then U1 else bernoulli(0.5)
  X2 = if bernoulli(0.75) == 1 then U2 + (if X1 == 1 then 3 + 3 * U1 else 0) else uniform_int(0, 8)
  W = if bernoulli(0.75) == 1 then X1 + X2 else uniform_int(0, 9)
  Y1 = if bernoulli(0.75) == 1 then floor(W * W / 10) else uniform_int(0, 9)
  Y2 = if bernoulli(0.75) == 1 then W * W % 10 else uniform_int(0, 9)
  Color = if bernoulli(0.75) == 1 then U2 else uniform_int(0, 2)
  Thick = if bernoulli(0.75) == 1 then min(floor(W * W / 20), 1) else bernoulli(0.5)
}

data D1 = simulate(truth, n: 200000, seed: 1)
data D2 = simulate(truth, n: 100000, seed: 2) do(X1 = 0)
data D3 = simulate(truth, n: 100000, seed: 3) do(X1 = 1)

query seen: P(Y1, Y2, Color, Thick | X1 = 1, X2 = 4)
query set: P(Y1, Y2, Color, Thick | do(X1 = 1, X2 = 4))
query had: P(Y1[X1 = 1, X2 = 4], Y2[X1 = 1, X2 = 4], Color[X1 = 1, X2 = 4], Thick[X1 = 1, X2 = 4] | X1 = 0, X2 = 1)
query other: P(Y1, Y2, Color, Thick | X1 = 0, X2 = 1)

query seen_pictures: sample(I1, I2 | X1 = 1, X2 = 4, n: 10)
query set_pictures: sample(I1, I2 | do(X1 = 1, X2 = 4), n: 10)
query had_pictures: sample(I1[X1 = 1, X2 = 4], I2[X1 = 1, X2 = 4] | X1 = 0, X2 = 1, n: 10)
query other_pictures: sample(I1, I2 | X1 = 0, X2 = 1, n: 10)
output seen_pictures -> "seen.png" { grid, columns: 10 }
output set_pictures -> "set.png" { grid, columns: 10 }
output had_pictures -> "had.png" { grid, columns: 10 }
output other_pictures -> "other.png" { grid, columns: 10 }

expect tv(seen, truth) < 0.03
expect tv(set, truth) < 0.03
expect tv(had, truth) < 0.03
expect tv(other, truth) < 0.03

assert independent(X1, {Y1, Y2, Thick} | W)
assert independent(I1, I2 | Y1, Y2, Color, Thick)
