"""Signals of one foot to strides: no clock, no I/O, the same bits however the input is cut."""
