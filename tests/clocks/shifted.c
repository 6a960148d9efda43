/* The wall clock, off by CLOCK_OFFSET_S seconds and by what the file CLOCK_OFFSET_FILE says, for processes that
   preload this; CLOCK_MONOTONIC stays as it is, so that whatever waits waits as long as ever. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static const char *path;
static long fixed;

/* As it was when the process began: one that sets these for its children goes by them no more than before. */
__attribute__((constructor)) static void begin(void) {
    const char *seconds = getenv("CLOCK_OFFSET_S"), *file = getenv("CLOCK_OFFSET_FILE");
    fixed = seconds ? atol(seconds) : 0;
    path = file ? strdup(file) : NULL;
}

static long offset(void) {
    long seconds = 0;
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) {
        if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return fixed + seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset();
    return failed;
}

time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where) *where = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict when, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    when->tv_sec = now.tv_sec;
    when->tv_usec = now.tv_nsec / 1000;
    return 0;
}
