"""The judges: one question each - how is a level decided?"""
