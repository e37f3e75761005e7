"""Options and fixtures of the whole test suite."""

import os


def pytest_addoption(parser):
    parser.addoption("--vcd", action="store_true",
                     help="write the waves of every pysim test to build/waves (failures always do)")


def pytest_configure(config):
    # An environment variable rather than a global: workers of pytest-xdist inherit it, and
    # tests.helpers stays usable outside pytest.
    if config.getoption("--vcd"):
        os.environ["TILICHO_VCD"] = "1"
