/* Preloaded into a process, writes down what it does to the files below DISK_RECORDER_ROOT, in order, to the file
 * DISK_RECORDER_LOG; tests/disk_record.py reads it. Writes and names are noted before the call returns, a sync when it
 * begins and when it has ended, and what goes to standard output is noted too: it says what was acknowledged when. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int log_file = -1;
static const char* root = "";

struct header {
    uint8_t kind;
    uint64_t inode, offset, bytes, second_bytes;
} __attribute__((packed));

__attribute__((constructor)) static void begin(void) {
    if (getenv("DISK_RECORDER_ROOT")) root = getenv("DISK_RECORDER_ROOT");
    const char* path = getenv("DISK_RECORDER_LOG");
    if (path) log_file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

/* One call, so that records of several threads do not mix. */
static void note(char kind, uint64_t inode, uint64_t offset, const struct iovec* data, int count, const char* second) {
    if (log_file < 0) return;
    struct header header = {(uint8_t)kind, inode, offset, 0, second ? strlen(second) : 0};
    struct iovec parts[1 + IOV_MAX];
    int used = 1;
    for (int i = 0; i < count && used < IOV_MAX - 1; ++i) {
        parts[used++] = data[i];
        header.bytes += data[i].iov_len;
    }
    if (second) parts[used++] = (struct iovec){(void*)second, header.second_bytes};
    parts[0] = (struct iovec){&header, sizeof header};
    if (syscall(SYS_writev, log_file, parts, used) < 0) abort();
}

static void note_name(char kind, uint64_t inode, const char* path, const char* second) {
    struct iovec name = {(void*)path, strlen(path)};
    note(kind, inode, 0, &name, 1, second);
}

static uint64_t inode_of(int file) {
    struct stat facts;
    return fstat(file, &facts) == 0 ? facts.st_ino : 0;
}

/* The absolute path, and whether it is one of ours. */
static int resolved(int folder, const char* path, char* out) {
    char base[PATH_MAX] = "";
    if (path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        ssize_t size = readlink(link, base, sizeof base - 2);
        if (size < 0) return 0;
        base[size] = '/';
        base[size + 1] = 0;
    }
    snprintf(out, PATH_MAX, "%s%s", base, path);
    return root[0] && strncmp(out, root, strlen(root)) == 0;
}

/* By its name, so that a copy of a descriptor is ours as well. */
static int is_ours(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = root[0] ? readlink(link, path, sizeof path) : -1;
    return size >= (ssize_t)strlen(root) && strncmp(path, root, strlen(root)) == 0;
}

static int opened(int folder, const char* path, int flags, mode_t mode) {
    char full[PATH_MAX];
    int ours = resolved(folder, path, full);
    int is_new = ours && (flags & O_CREAT) && syscall(SYS_faccessat, folder, path, F_OK) != 0;
    int file = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (file < 0 || !ours) return file;
    if (is_new) {
        note_name('C', inode_of(file), full, NULL);
    } else if (flags & O_TRUNC) {
        note('T', inode_of(file), 0, NULL, 0, NULL);
    }
    return file;
}

#define OPEN(name)                                  \
    int name(const char* path, int flags, ...) {    \
        va_list rest;                               \
        va_start(rest, flags);                      \
        mode_t mode = va_arg(rest, mode_t);         \
        va_end(rest);                               \
        return opened(AT_FDCWD, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                         \
    int name(int folder, const char* path, int flags, ...) { \
        va_list rest;                                        \
        va_start(rest, flags);                               \
        mode_t mode = va_arg(rest, mode_t);                  \
        va_end(rest);                                        \
        return opened(folder, path, flags, mode);            \
    }
OPENAT(openat)
OPENAT(openat64)

static void note_written(int file, const struct iovec* data, int count, off_t offset, ssize_t written) {
    struct iovec kept[IOV_MAX];
    int used = 0;
    for (int i = 0; i < count && written > 0; ++i) {
        kept[used] = data[i];
        if ((ssize_t)kept[used].iov_len > written) kept[used].iov_len = (size_t)written;
        written -= (ssize_t)kept[used++].iov_len;
    }
    note(file == 1 ? 'A' : 'W', file == 1 ? 0 : inode_of(file), (uint64_t)offset, kept, used, NULL);
}

ssize_t write(int file, const void* data, size_t bytes) {
    if (file == 1) {
        /* Before the reader can see it: what is not in the log was not acknowledged. */
        note_written(file, &(struct iovec){(void*)data, bytes}, 1, 0, (ssize_t)bytes);
        return syscall(SYS_write, file, data, bytes);
    }
    ssize_t written = syscall(SYS_write, file, data, bytes);
    if (written > 0 && is_ours(file)) {
        off_t end = (off_t)syscall(SYS_lseek, file, 0, SEEK_CUR);
        note_written(file, &(struct iovec){(void*)data, bytes}, 1, end - written, written);
    }
    return written;
}

#define PWRITE(name)                                                                                                   \
    ssize_t name(int file, const void* data, size_t bytes, off_t offset) {                                             \
        ssize_t written = syscall(SYS_pwrite64, file, data, bytes, offset);                                            \
        if (written > 0 && is_ours(file)) note_written(file, &(struct iovec){(void*)data, bytes}, 1, offset, written); \
        return written;                                                                                                \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define PWRITEV(name)                                                                                                  \
    ssize_t name(int file, const struct iovec* data, int count, off_t offset) {                                        \
        ssize_t written = syscall(SYS_pwritev, file, data, count, (unsigned long)offset, (unsigned long)offset >> 32); \
        if (written > 0 && is_ours(file)) note_written(file, data, count, offset, written);                            \
        return written;                                                                                                \
    }
PWRITEV(pwritev)
PWRITEV(pwritev64)

#define PWRITEV2(name)                                                                      \
    ssize_t name(int file, const struct iovec* data, int count, off_t offset, int flags) {  \
        long low = (long)offset, high = (long)((uint64_t)offset >> 32);                     \
        ssize_t written = syscall(SYS_pwritev2, file, data, count, low, high, flags);       \
        if (written > 0 && is_ours(file)) note_written(file, data, count, offset, written); \
        return written;                                                                     \
    }
PWRITEV2(pwritev2)
PWRITEV2(pwritev64v2)

#define FTRUNCATE(name)                                                                             \
    int name(int file, off_t size) {                                                                \
        int result = (int)syscall(SYS_ftruncate, file, size);                                       \
        if (result == 0 && is_ours(file)) note('T', inode_of(file), (uint64_t)size, NULL, 0, NULL); \
        return result;                                                                              \
    }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

static int synced(long number, int file) {
    if (!is_ours(file)) return (int)syscall(number, file);
    uint64_t inode = inode_of(file);
    /* The address of a local tells this sync from those of other threads. */
    note('S', inode, (uint64_t)(uintptr_t)&inode, NULL, 0, NULL);
    int result = (int)syscall(number, file);
    if (result == 0) note('E', inode, (uint64_t)(uintptr_t)&inode, NULL, 0, NULL);
    return result;
}
int fsync(int file) { return synced(SYS_fsync, file); }
int fdatasync(int file) { return synced(SYS_fdatasync, file); }

int renameat(int old_folder, const char* old_path, int new_folder, const char* new_path) {
    char from[PATH_MAX], to[PATH_MAX];
    int ours = resolved(old_folder, old_path, from) & resolved(new_folder, new_path, to);
    int result = (int)syscall(SYS_renameat2, old_folder, old_path, new_folder, new_path, 0);
    if (result == 0 && ours) note_name('R', 0, from, to);
    return result;
}
int rename(const char* old_path, const char* new_path) { return renameat(AT_FDCWD, old_path, AT_FDCWD, new_path); }

int unlinkat(int folder, const char* path, int flags) {
    char full[PATH_MAX];
    int ours = resolved(folder, path, full);
    int result = (int)syscall(SYS_unlinkat, folder, path, flags);
    if (result == 0 && ours) note_name('U', 0, full, NULL);
    return result;
}
int unlink(const char* path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char* path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int folder, const char* path, mode_t mode) {
    char full[PATH_MAX];
    int ours = resolved(folder, path, full);
    int result = (int)syscall(SYS_mkdirat, folder, path, mode);
    struct stat facts;
    if (result == 0 && ours && stat(full, &facts) == 0) note_name('M', facts.st_ino, full, NULL);
    return result;
}
int mkdir(const char* path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
