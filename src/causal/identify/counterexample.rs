//! Pairs of models that show an effect not to be identified.
