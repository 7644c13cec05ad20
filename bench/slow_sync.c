/* Every fsync and fdatasync of a process takes SLOW_SYNC_MS longer, as on a worn SD card. Built and preloaded by
 * bench/alert_delay.py; says on standard error how many there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static atomic_long calls;

static int slowed(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const char *ms = getenv("SLOW_SYNC_MS");
    long wait = ms ? atol(ms) : 0;
    struct timespec left = {wait / 1000, wait % 1000 * 1000000L};
    atomic_fetch_add(&calls, 1);
    while (nanosleep(&left, &left) != 0) {
    }
    return real(fd);
}

int fsync(int fd) { return slowed("fsync", fd); }
int fdatasync(int fd) { return slowed("fdatasync", fd); }

__attribute__((destructor)) static void tell(void) { fprintf(stderr, "syncs: %ld\n", (long)atomic_load(&calls)); }
