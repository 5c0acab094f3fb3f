X -> Y
X, Y: binary

query effect: P(Yy | do(X = 3))
X => Z
