"""The pages: what the API knows, for people. Server-rendered; everything is served from here."""
