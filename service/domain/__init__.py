"""Pure rules without I/O: money, price, the catalogue of models and its parameters."""
