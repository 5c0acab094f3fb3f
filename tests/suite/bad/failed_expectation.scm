# command: run
X -> Y
X, Y: binary
data obs = "../data/xy.csv"
query q: P(Y | do(X))
expect q(Y = 1, X = 1) > 0.99
expect tv(q, obs) < 0.5
