"""`bandit-serve doctor`: what runs here, how it is configured, and what is wrong."""

from service.doctor.command import doctor

__all__ = ["doctor"]
