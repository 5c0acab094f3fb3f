X -> Y
X -> Y
X -> Y -> Z
X: binary
X, Y: int[0..2]
data obs = simulate(truth, n: 10)
data obs = simulate(truth, n: 20) do(X = 1, X = 0)
query q: P(Y | do(X = 1))
query q: P(Y, Y)
truth { X ~ bernoulli(0.5); X ~ bernoulli(0.6); Y = X; Z = Y; Y = 1 }
truth { Z = 1 }
