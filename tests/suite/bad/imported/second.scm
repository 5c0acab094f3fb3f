import "first.scm"
B -> C => D
