latent U -> {X, Y, Z}
W -> U
U <-> Z
X -> Y -> Z
U: binary
data obs = "../data/xy.csv" do(U = 1)
query q: P(Z | do(U = 1))
query r: P(X[U = 1] = 1)
