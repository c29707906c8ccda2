"""One piece of work, one or several processes: devices, launching, units of work."""
