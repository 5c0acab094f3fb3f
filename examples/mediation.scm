dcm 1 "Mediation: how much of an effect runs through a mediator"
# A training programme raises pay, partly because those who took it find other jobs. The natural direct
# effect keeps everybody's job as it would have been without the programme; the natural indirect
# effect changes the job alone, to what it would have been with the programme (Pearl, UAI 2001).

school -> training -> job -> pay
school -> {job, pay}; training -> pay
school, training: binary
job:              categorical {none, simple, skilled}
pay:              int[0..3]

truth {
  school ~ bernoulli(0.4)
  training ~ bernoulli(0.2 + 0.5 * school)
  job ~ table(training, school) {
    (0, 0): [0.5, 0.4, 0.1]
    (0, 1): [0.3, 0.5, 0.2]
    (1, 0): [0.2, 0.5, 0.3]
    (1, 1): [0.1, 0.4, 0.5]
  }
  pay ~ binomial(3, 0.1 + 0.15 * training + 0.1 * school + (if job == skilled then 0.4 else if job == simple then 0.2 else 0))
}

data survey = simulate(truth, n: 40000, seed: 1)

query total: E[pay[training = 1]] - E[pay[training = 0]]
query direct: NDE(pay, training = 1 vs 0, job)
query indirect: NIE(pay, training = 1 vs 0, job)
query treated: ETT(pay, training = 1 vs 0)

expect abs(direct - 0.45) < 0.05
expect abs(total - direct) > 0.1
