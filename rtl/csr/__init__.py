"""Registers: one declaration, from which gateware, C header and documentation are made."""

from .bank import RegisterBank
from .declaration import Field, Register, RegisterMap

__all__ = ["Field", "Register", "RegisterBank", "RegisterMap"]
