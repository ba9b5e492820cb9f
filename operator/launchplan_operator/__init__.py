"""An operator for LaunchPlan resources: parameterised, scheduled workflows on Kubernetes."""

__version__ = "0.1.0"
