dcm 1 "Asia: a chest clinic with two hidden variables"
# Lauritzen & Spiegelhalter, J. R. Stat. Soc. B 50 (1988) 157; the paper's appendix F.5 hides smoke and bronc,
# which leaves lung and dysp with a hidden common cause.

asia -> tub -> either -> {xray, dysp}
lung -> either
lung <-> dysp
{asia, tub, lung, either, xray, dysp}: categorical {yes, no}

truth {
  {smoke, bronc}: categorical {yes, no}
  asia ~ categorical(0.01, 0.99)
  tub ~ table(asia) { yes: [0.05, 0.95]; no: [0.01, 0.99] }
  smoke ~ categorical(0.5, 0.5)
  lung ~ table(smoke) { yes: [0.1, 0.9]; no: [0.01, 0.99] }
  bronc ~ table(smoke) { yes: [0.6, 0.4]; no: [0.3, 0.7] }
  either = if lung == yes or tub == yes then yes else no
  xray ~ table(either) { yes: [0.98, 0.02]; no: [0.05, 0.95] }
  dysp ~ table(bronc, either) {
    (yes, yes): [0.9, 0.1]
    (no, yes):  [0.7, 0.3]
    (yes, no):  [0.8, 0.2]
    (no, no):   [0.1, 0.9]
  }
}

data clinic = simulate(truth, n: 20000, seed: 7)

query lung_cancer: P(dysp | do(lung = yes))
query disease: P(dysp | do(either = yes))
query healthy: P(dysp | do(either = no))  # no support: `either` is a strict OR
query seen: P(dysp | lung = yes)

expect abs(lung_cancer(dysp = yes) - 0.79) < 0.02
expect abs(disease(dysp = yes) - 0.79) < 0.02
expect tv(lung_cancer, truth) < 0.02
expect tv(disease, truth) < 0.02
