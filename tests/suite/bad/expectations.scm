# command: run
X -> Y
X, Y: binary
data obs = "../data/xy.csv"
query q: P(Y | do(X))
query m: E[Y | do(X = 1)]
expect q > 0.5
expect tv(m, obs) < 0.1
expect tv(q, truth) < 0.1
expect q(Y = 1) > 0
