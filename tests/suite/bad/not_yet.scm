# command: run
X -> Y -> Z
X, Y: binary
Z: vector[2]
data obs = "../data/xy.csv"
query b: sample(Y | do(X = 1), n: 8)
