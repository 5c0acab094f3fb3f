# command: run
X -> Y -> Z
X, Y: binary
Z: real
data obs = "../data/xy.csv"
query a: P(Y[X = 1] = 1 | X = 0)
query b: sample(Y | do(X = 1), n: 8)
