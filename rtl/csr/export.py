"""A register map as C header, Markdown table and JSON object."""

from .declaration import RegisterMap

__all__ = ["c_defines", "json_object", "markdown_table"]


def c_defines(registers: RegisterMap) -> str:
    """Return ``#define`` lines: byte offset of each register, shift and mask of each field."""
    prefix = registers.name.upper()
    lines = [f"/* {registers.name}: {registers.doc} */"]
    for register in registers.registers:
        name = f"{prefix}_{register.name}"
        lines.append(f"#define {name} 0x{register.offset:x}u /* {register.doc} */")
        for field in register.fields:
            lines.append(f"#define {name}_{field.name.upper()}_SHIFT {field.lsb}")
            lines.append(f"#define {name}_{field.name.upper()}_MASK 0x{field.mask:x}u")
    return "\n".join(lines) + "\n"


def markdown_table(registers: RegisterMap) -> str:
    """Return a table of every field, one row each."""
    lines = ["| offset | register | bits | field | access | reset | meaning |",
             "|---|---|---|---|---|---|---|"]
    for register in registers.registers:
        for i, field in enumerate(register.fields):
            offset = f"0x{register.offset:x}" if i == 0 else ""
            name = f"`{register.name}`" if i == 0 else ""
            top = field.lsb + field.width - 1
            bits = f"{top}:{field.lsb}" if field.width > 1 else f"{field.lsb}"
            lines.append(f"| {offset} | {name} | {bits} | `{field.name}` | {field.access} | "
                         f"{field.reset:#x} | {field.doc} |")
    return "\n".join(lines) + "\n"


def json_object(registers: RegisterMap) -> dict:
    """Return the map as plain dictionaries and lists."""
    return {
        "name": registers.name,
        "doc": registers.doc,
        "registers": [{
            "name": register.name, "offset": register.offset, "doc": register.doc,
            "fields": [{"name": field.name, "lsb": field.lsb, "width": field.width,
                        "access": field.access, "reset": field.reset, "doc": field.doc}
                       for field in register.fields],
        } for register in registers.registers],
    }
