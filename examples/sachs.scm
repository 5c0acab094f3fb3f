dcm 1 "Sachs: what PKA does to Erk and Akt, without an experiment on them"
# Sachs et al., Science 308 (2005) 523; the paper's appendix F.6. PKC is hidden, so the effect of PKA is not
# identifiable from observation alone. An experiment that measures Mek only is enough:
# P(Mek, Erk, Akt | do(PKA)) = P(Mek | do(PKA)) P(Erk | Mek, PKA) P(Akt | PKA, Erk, Mek).

PKA -> {Mek, Erk, Akt}
Mek -> {Erk, Akt}
Erk -> Akt
PKA <-> Mek
PKA, Mek, Erk, Akt: int[0..2]  # low, average, high

data obs = "data/sachs.csv" { where: regime == "obs" }
data b2camp = "data/sachs.csv" { where: regime == "do_PKA_2"; columns: { PKA, Mek } } do(PKA = 2)
data held = "data/sachs.csv" { where: regime == "do_PKA_2"; role: test } do(PKA = 2)

query mek: P(Mek | do(PKA = 2))
query erk: P(Erk | do(PKA = 2))
query akt: P(Akt | do(PKA = 2))

expect tv(mek, held) < 0.03
