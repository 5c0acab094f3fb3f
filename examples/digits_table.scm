dcm 1 "Two digits: the table behind the pictures"
# The low-dimensional part of the paper's section 5.4 (appendix F.4.1). Two hidden causes: U1 of X1 and X2,
# U2 of X2 and Color. W is a noisy sum, Y1 and Y2 are the digits of W squared.

X1 -> X2
{X1, X2} -> W -> {Y1, Y2, Color, Thick}
X1 <-> X2 <-> Color
X1, Thick: binary
X2:        int[0..8]
W, Y1, Y2: int[0..9]
Color:     categorical {red, green, blue}

truth {
  U1 ~ categorical(0.55, 0.45)
  U2 ~ categorical(0.05, 0.3, 0.15, 0.1, 0.2, 0.2)
  X1 = if bernoulli(0.25) then bernoulli(0.5) else U1
  X2 = if bernoulli(0.25) then uniform_int(0, 8)
    else min(8, U2 % 3 + X1 * uniform_int(3, 5) + X1 * U1)
  W = if bernoulli(0.25) then uniform_int(0, 9) else min(9, X1 + X2)
  Y1 = if bernoulli(0.25) then uniform_int(0, 9) else floor(W * W / 10)
  Y2 = if bernoulli(0.25) then uniform_int(0, 9) else W * W % 10
  Color = if bernoulli(0.25) then uniform_int(0, 2) else (U2 + (W > 6)) % 3
  Thick = if bernoulli(0.25) then bernoulli(0.5) else min(floor(W * W / 20), 1)
}

data obs = simulate(truth, n: 200000, seed: 1)
data rct0 = simulate(truth, n: 200000, seed: 2) do(X1 = 0)
data rct1 = simulate(truth, n: 200000, seed: 3) do(X1 = 1)

query seen: P(Y1, Y2, Color, Thick | X1 = 1, X2 = 4)
query set: P(Y1, Y2, Color, Thick | do(X1 = 1, X2 = 4))
query colour: P(Color | do(X2))

expect tv(seen, truth) < 0.02
expect tv(set, truth) < 0.02
expect tv(colour, truth) < 0.02
