"""An executable specification of instruction classes, and the core in a frame of free inputs."""
