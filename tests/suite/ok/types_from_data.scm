X -> Y
data obs = "../data/xy.csv"
