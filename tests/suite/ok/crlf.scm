dcm 1 "Ends of lines"
X -> Y

X, Y: binary   
