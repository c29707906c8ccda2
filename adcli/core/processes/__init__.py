"""One or several processes: devices, ranks and how they are started, a queue of units, a pool of workers."""
