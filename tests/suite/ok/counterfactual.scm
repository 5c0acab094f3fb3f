X -> M -> Y
X -> Y
X, M, Y: binary
query att: P(Y[X = 1] = 1 | X = 0)
query nde: E[Y[X = 1, M = M[X = 0]]] - E[Y[X = 0]]
