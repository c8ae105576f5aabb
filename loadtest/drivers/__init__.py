"""Programs that load a server, each seen as a `Driver` that gives a `Result`."""

from loadtest.drivers.beside import BesideDriver
from loadtest.drivers.driver import Driver, DriverError, Load
from loadtest.drivers.k6 import K6Driver
from loadtest.drivers.locust import LocustDriver
from loadtest.drivers.python import PythonDriver
from loadtest.drivers.wrk import WrkDriver

__all__ = [
    "DRIVERS",
    "BesideDriver",
    "Driver",
    "DriverError",
    "K6Driver",
    "Load",
    "LocustDriver",
    "PythonDriver",
    "WrkDriver",
]

ALL: tuple[Driver, ...] = (PythonDriver(), WrkDriver(), K6Driver(), LocustDriver())
DRIVERS = {driver.name: driver for driver in ALL}
