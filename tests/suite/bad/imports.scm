import "imported/missing.scm"
import "imported/first.scm" as f
import "imported/colours.scm" as c
c.colour -> choice
c.colr -> choice
choice: binary
query q: P(choice | do(c.colour = gren))
