"""Private PostgreSQL and RabbitMQ servers of one machine, for the demo, the tests and `run`."""
