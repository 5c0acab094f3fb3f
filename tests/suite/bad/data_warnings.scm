# command: run
X -> Y
X: binary
Y: binary
data named = "../data/extra.csv"
data gaps = "../data/gaps.csv"
query seen: P(Y | X = 1)
