"""Outbound webhooks (Standard Webhooks 1.0): who wants to hear of what, and getting it there safely.

``addresses`` says which URLs and addresses may be dialled, ``transport`` dials them, ``signing`` derives secrets
and signs, ``schedule`` says when to try again, ``courier`` is the loop that sends, ``endpoints`` what the API asks for.
"""
