light -> colour
colour: categorical {red, green}
light: binray
