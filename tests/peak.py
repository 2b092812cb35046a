"""How much memory a process of its own held at most: code to be put before what it runs."""

PEAK = '''
def peak():
    """Megabytes held at most. Linux counts for getrusage what the process held before it became this one."""
    try:
        with open("/proc/self/status") as status:
            return int(status.read().partition("VmHWM:")[2].split()[0]) // 1024
    except OSError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 // 1024
'''
