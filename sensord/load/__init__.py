"""Strides of both feet to totals, windows, asymmetry and the life of a run."""
