dcm 1 "Quitting smoking and weight, for everybody and in subgroups"

# 1,566 smokers of NHANES I, asked again eleven years later (NHEFS). Does quitting (qsmk) make people gain weight
# (wt82_71, in kilograms)? Quitters gained 2.5 kg more, but they were older and had smoked less. Hernán & Robins,
# Causal Inference: What If, chapters 12 and 13, adjust for these nine: about 3.5 kg (95 % interval 2.6 to 4.5).
sex -> {race, age, education, exercise, active, smokeyrs, smokeintensity, wt71}
race -> {age, education, exercise, active, smokeyrs, smokeintensity, wt71}
age -> {education, exercise, active, smokeyrs, smokeintensity, wt71}
education -> {exercise, active, smokeyrs, smokeintensity, wt71}
exercise -> {active, smokeyrs, smokeintensity, wt71}
active -> {smokeyrs, smokeintensity, wt71}
smokeyrs -> {smokeintensity, wt71}
smokeintensity -> wt71
{sex, race, age, education, exercise, active, smokeyrs, smokeintensity, wt71} -> qsmk
{sex, race, age, education, exercise, active, smokeyrs, smokeintensity, wt71, qsmk} -> wt82_71

{qsmk, sex, race}:  binary  # sex: 1 women; race: 1 others than white
education:          int[1..5]
{exercise, active}: int[0..2]
{age, smokeyrs, smokeintensity, wt71, wt82_71}: real

data nhefs = "data/nhefs.csv"

query effect: ATE(wt82_71, qsmk = 1 vs 0)
query naive: E[wt82_71 | qsmk = 1] - E[wt82_71 | qsmk = 0]
query women: E[wt82_71 | do(qsmk = 1), sex = 1] - E[wt82_71 | do(qsmk = 0), sex = 1]
query men: E[wt82_71 | do(qsmk = 1), sex = 0] - E[wt82_71 | do(qsmk = 0), sex = 0]
query at_60: E[wt82_71 | do(qsmk = 1), age = 60] - E[wt82_71 | do(qsmk = 0), age = 60]
query heavier: P(wt82_71 > 10 | do(qsmk))  # how many would gain more than 10 kg

expect abs(effect - 3.45) < 0.6
