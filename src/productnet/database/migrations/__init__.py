"""The history of the log's schema, one file a revision, run by Alembic when a log is opened."""
