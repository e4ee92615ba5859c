"""Durable jobs, carried out for real."""
