"""sensord: foot-pod gait monitoring for runners in rehabilitation and their physical therapists."""
