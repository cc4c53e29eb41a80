"""Every page and mail of every outcome, to leaf through: samples and diagnoses make them."""
