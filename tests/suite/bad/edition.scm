dcm 7 "A file of the future"
X -> Y
