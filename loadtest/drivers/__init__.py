"""Programs that load a server, each seen as a `Driver` that gives a `Result`."""

from loadtest.drivers.driver import Driver, DriverError
from loadtest.drivers.python import PythonDriver
from loadtest.drivers.wrk import WrkDriver

__all__ = ["DRIVERS", "Driver", "DriverError", "PythonDriver", "WrkDriver"]

DRIVERS: dict[str, Driver] = {each.name: each for each in (PythonDriver(), WrkDriver())}
