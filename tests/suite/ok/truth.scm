X -> Y
X <-> Y
truth {
  U ~ bernoulli(0.5)
  X = U xor bernoulli(0.2)
  Y ~ table(X, U) { (0, _): [0.9, 0.1]; else: [0.3, 0.7] }
}
data obs = simulate(truth, n: 1000)
query effect: P(Y | X)
expect tv(effect, truth) < 0.2
