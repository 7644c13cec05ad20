"""A running body with known truth, and pods that speak the real protocols."""
