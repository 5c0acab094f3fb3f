X -> Y
X, Y: binary
qurey effect: P(Y | do(X = 1))
outptu effect -> "effect.csv"
trian { epochs: 10 }
dta obs = "../data/xy.csv"
