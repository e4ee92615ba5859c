"""Judging the judges and measuring the service: demo, benchmark, checks. Calls the production code only."""
