dose -> response
dose: binary
response: real
train { engine: likelihood }
