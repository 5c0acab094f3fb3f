rain -> wet <- sprinkler
wet -> fall
assert independent(rain, sprinkler)
assert independent(rain, sprinkler | fall)
assert independent(rain, fall)
assert independent(rain, fall | wet)
assert independent(rain, rain)
assert independent(rain, fal | wet)
assert identifiable(effect)
