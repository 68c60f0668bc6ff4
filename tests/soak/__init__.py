"""A soak: whether the gateway holds no more after a long time of work and trouble than after a short one."""
