X -> Y
X, Y: binary
query one: P(Y | do(X = 1)
query two: E[Y | do(X = 1) - E[Y | do(X = 0)]
train { epochs: 10
data obs = simulate(truth, n: 100
