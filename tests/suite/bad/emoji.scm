`🌧️ rain` -> `wet 🌱`   # names in backquotes hold anything
`🌧️ rain`, `wet 🌱`: binary
query effect: P(`wet 🌱` = 7 | do(`🌧️ rain` = 1, `☀️` = 0))
