X -> Y -> Z
X <-> Z
X, Y, Z: binary
data some = "../data/xy.csv"
data one = "../data/xy.csv" { columns: { Z: "X" } } do(Z)
