"""The therapist's plan file, its limits and the alerts they raise."""
