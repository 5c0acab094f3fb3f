dcm 1 "Smoking and cancer
smoking -> cancer
data obs = "../data/xy.csv do(X = 1)
data more = "../data/xy.csv
output effect -> "effect.csv
