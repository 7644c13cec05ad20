"""Pods: one file per protocol (pure encode and decode), and the link that speaks Bluetooth."""
