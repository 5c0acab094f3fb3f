# Declarations and blocks in the spelling of other languages
binary X
X = binary
Y : float
X -> Y { weight: 0.3 }
var Z;
data obs: "../data/xy.csv"
query P(Y | do(X))
