dcm 1 "Seven variables, two partial data sets"
# The graph of the paper's appendix F.7 (Figure 28). No data set holds all seven variables: each module is
# trained on the one that has its columns.

X0 -> {W0, W1}
{X1, X2} -> W1 -> {Y0, Y1}
W0 -> Y0
X0 <-> Y0
X1 <-> X2 <-> Y1
{X0, X1, X2, W0, W1, Y0, Y1}: binary

truth {
  A ~ bernoulli(0.4)  # hidden cause of X0 and Y0
  B ~ bernoulli(0.5)  # of X1 and X2
  C ~ bernoulli(0.6)  # of X2 and Y1
  X0 ~ table(A) { 0: [0.7, 0.3]; 1: [0.2, 0.8] }
  X1 ~ table(B) { 0: [0.8, 0.2]; 1: [0.3, 0.7] }
  X2 ~ table(B, C) { (0, 0): [0.9, 0.1]; (0, 1): [0.4, 0.6]; (1, 0): [0.5, 0.5]; (1, 1): [0.2, 0.8] }
  W0 ~ table(X0) { 0: [0.75, 0.25]; 1: [0.3, 0.7] }
  W1 = (X0 + X1 + X2 >= 2) xor bernoulli(0.2)
  Y0 = if bernoulli(0.3) then A else (W0 xor W1) xor bernoulli(0.15)
  Y1 = if C then W1 xor bernoulli(0.1) else bernoulli(0.35)
}

data first = simulate(truth, n: 20000, seed: 1) { columns: { X0, X1, X2, W1, Y1 } }
data second = simulate(truth, n: 20000, seed: 2) { columns: { X0, X1, X2, W0, W1, Y0 } }

query y0: P(Y0 | do(X0))
query y1: P(Y1 | do(X1, X2))
query both: P(Y0, Y1 | do(W1))

expect tv(y0, truth) < 0.02
expect tv(y1, truth) < 0.02
expect tv(both, truth) < 0.02
