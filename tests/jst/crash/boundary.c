/* Loaded before the C library into a process under test: counts the moments at which something becomes visible outside
   the process (pages of the journal, flushes, bytes that are sent, bytes that came), and has something happen at one.

   JST_TEST_DIES_AT=N   the process is killed, as by SIGKILL, before the N-th moment
   JST_TEST_FULL_AT=N   from the N-th write to a file on the disk is full

   Moments are counted over all threads. Of the pages of a transaction only the one that commits it counts: up to it a
   transaction is not there. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long moments, writes;

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static long dies_at, full_at;

__attribute__((constructor)) static void begin(void) {
    dies_at = number("JST_TEST_DIES_AT");
    full_at = number("JST_TEST_FULL_AT");
}

static void moment(void) {
    if (atomic_fetch_add(&moments, 1) + 1 == dies_at) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
}

/* The head of a page in SQLite's file of new pages is 24 bytes; in the one that commits, bytes 4 to 7 are not zero. */
static int commits(const void *bytes, size_t length) {
    return length != 24 || memcmp((const char *)bytes + 4, "\0\0\0\0", 4) != 0;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    if (full_at && atomic_fetch_add(&writes, 1) + 1 >= full_at) {
        errno = ENOSPC;
        return -1;
    }
    if (length != 4096 && commits(bytes, length)) moment();
    return syscall(SYS_pwrite64, file, bytes, length, at);
}

int fsync(int file) {
    moment();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    moment();
    return (int)syscall(SYS_fdatasync, file);
}

int ftruncate64(int file, off64_t length) {
    moment();
    return (int)syscall(SYS_ftruncate, file, length);
}

int unlink(const char *path) {
    moment();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

/* Before a request, and after it. */
ssize_t writev(int file, const struct iovec *parts, int count) {
    moment();
    ssize_t sent = syscall(SYS_writev, file, parts, count);
    moment();
    return sent;
}

ssize_t send(int file, const void *bytes, size_t length, int flags) {
    moment();
    ssize_t sent = syscall(SYS_sendto, file, bytes, length, flags, NULL, 0);
    moment();
    return sent;
}

/* After an answer. */
ssize_t recv(int file, void *bytes, size_t length, int flags) {
    ssize_t came = syscall(SYS_recvfrom, file, bytes, length, flags, NULL, NULL);
    if (came > 0) moment();
    return came;
}
