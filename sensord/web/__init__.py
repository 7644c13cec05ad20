"""The built-in page: what to do now, how the feet do, and the alert when it comes."""
