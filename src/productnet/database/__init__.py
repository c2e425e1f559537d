"""The database behind a project: connections, durability, migrations, one writer at a time."""
