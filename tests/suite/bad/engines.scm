dose -> response
dose: binary
response: vector[3]
train { engine: likelihood }
