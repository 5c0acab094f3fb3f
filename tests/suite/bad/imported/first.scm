import "second.scm"
A -> B
