X -> Y
X, Y: binary
data obs = "../data/xy.csv"
query effect: P(Y | do(X))
query ate: ATE(Y, X = 1 vs 0)
output effect -> "effect.csv"
