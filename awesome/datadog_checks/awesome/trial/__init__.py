"""The command `python -m datadog_checks.awesome`, which tries pages and configurations without an Agent.

It composes checks: the Agent's loader skips a class that has children, so nobody may inherit from AwesomeCheck.
"""
