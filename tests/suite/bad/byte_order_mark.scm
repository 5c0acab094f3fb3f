X -> Y
X, Y: binary
query effect: P(Z | do(X = 3))
