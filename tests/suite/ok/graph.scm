dcm 1 "Smoking, tar and cancer"
smoker -> tar -> cancer
smoker <-> cancer
