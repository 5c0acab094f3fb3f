dcm 1 "The napkin: a formula that no adjustment gives"
# Neither a back door nor a front door: holding W fixed opens a path
# between its hidden causes, leaving it alone keeps another open. The
# effect follows all the same, as a ratio of two sums, and the choice
# of Z does not matter (Pearl and Mackenzie 2018).

W -> Z -> X -> Y
W <-> X
W <-> Y
W, Z, X, Y: binary

truth {
  a ~ bernoulli(0.5)
  b ~ bernoulli(0.5)
  W ~ bernoulli(0.1 + 0.4 * a + 0.4 * b)
  Z ~ bernoulli(0.2 + 0.6 * W)
  X ~ bernoulli(0.1 + 0.4 * Z + 0.4 * a)
  Y ~ bernoulli(0.1 + 0.3 * X + 0.5 * b)
}

data survey = simulate(truth, n: 20000, seed: 1)

query effect: P(Y | do(X))
query seen: P(Y | X)
query fixed: P(Y | X, W = 1)
