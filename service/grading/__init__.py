"""The core: how an answer becomes a grade.

Pure by rule (import-linter checks it): no I/O, no clock, no environment, no logging, no framework.
Read it in the order an answer takes: ``submission`` -> ``gate`` -> ``judges`` -> ``coach`` -> ``evidence``
-> ``scoring`` -> ``grade``, put together by ``grader``.
"""
