X -> M -> Y
X -> Y
X <-> Y
X: categorical {none, low, high}
M, Y: binary
query flip: P(Y[X = low] = 1 | X = none, Y = 0)
query att: P(Y[X = none] = 1 | X = high)
query nde: E[Y[X = high, M = M[X = none]]] - E[Y[X = none]]
