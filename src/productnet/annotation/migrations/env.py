"""Where Alembic starts: it works on the connection that ``DecisionLog.open`` hands over."""

from alembic import context

from productnet.annotation.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
