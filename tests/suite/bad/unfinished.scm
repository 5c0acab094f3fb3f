X -> Y ->
X, Y:
data obs
query effect:
expect effect >
import
assert independent(X
