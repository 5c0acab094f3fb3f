X -> Y
I: image[1,8,8]
X, Y: binary
X -> I
query a: P(Y, X | do(X = 1))
query b: P(Y | do(X = 1), X = 0)
query c: P(Y | do(X = 1), X = 1)
query d: P(I | do(X = 1))
query e: E[X, Y]
query f: P(Y[X = 1] = 1, Y[X = 1] = 0)
query g: P(X | do(Y = 1))
query h: sample(Y = 1 | do(X = 1))
query i: sample(Y | do(X))
query j: P(Y[X = Y[X = 0]] = 1)
