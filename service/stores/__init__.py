"""The stores that the service and its commands can be pointed at."""
