"""What holds for all tests: no property is judged by the time that an example of it took on a busy machine."""

from hypothesis import HealthCheck, settings

settings.register_profile("leptontui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("leptontui")
