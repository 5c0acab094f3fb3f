# command: run --device cuda:1
X -> Y
X, Y: binary
data obs = "../data/xy.csv"
