"""What all levels share."""

from hypothesis import HealthCheck, settings

# A test is judged by its assertions: on a busy machine an example may take any time.
settings.register_profile("any", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any")
