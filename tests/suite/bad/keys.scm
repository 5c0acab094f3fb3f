X -> Y
X: binary { mechansim: mlp }
Y: binary { epochs: 3, mechanism: mlpp { hidden: [4] } }
data obs = "../data/xy.csv" { colums: { X, Y }, role: tset }
data sim = simulate(truth, rows: 100, sed: 1)
train { learning_rate: 1e-3, epoch: 10, seed }
train {Y} { seed: 3 }
