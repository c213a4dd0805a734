/* SPDX-License-Identifier: Apache-2.0 */

/* What programs for WinFsp's FUSE interface and its library give each other, on 64 bits
   and with FSP_FUSE_CAP_STAT_EX. */

#include <stddef.h>
#include <stdint.h>

struct timespec64 { uintptr_t sec, nsec; };

struct stat_ex {
    uint32_t dev; uint64_t ino; uint32_t mode; uint16_t nlink; uint32_t uid, gid, rdev;
    int64_t size; struct timespec64 atim, mtim, ctim; int32_t blksize; int64_t blocks;
    struct timespec64 birthtim; uint32_t flags, reserved32[3]; uint64_t reserved64[2];
};

struct file_info { int flags; unsigned fh_old; int writepage; uint32_t bits; uint64_t fh, lock_owner; };
struct conn_info { unsigned major, minor, async_read, max_write, max_readahead, capable, want, reserved[25]; };
struct context { void *fuse; uint32_t uid, gid; int32_t pid; void *private_data; uint32_t umask; };

typedef int (*filler)(void *buf, const char *name, const struct stat_ex *st, int64_t off);

struct operations {
    int (*getattr)(const char *, struct stat_ex *);
    void *getdir, *readlink;
    int (*mknod)(const char *, uint32_t, uint32_t);
    int (*mkdir)(const char *, uint32_t);
    int (*unlink)(const char *);
    int (*rmdir)(const char *);
    int (*symlink)(const char *, const char *);
    int (*rename)(const char *, const char *);
    int (*link)(const char *, const char *);
    int (*chmod)(const char *, uint32_t);
    int (*chown)(const char *, uint32_t, uint32_t);
    int (*truncate)(const char *, int64_t);
    void *utime;
    int (*open)(const char *, struct file_info *);
    int (*read)(const char *, char *, size_t, int64_t, struct file_info *);
    int (*write)(const char *, const char *, size_t, int64_t, struct file_info *);
    int (*statfs)(const char *, uintptr_t[11]);
    void *flush;
    int (*release)(const char *, struct file_info *);
    void *fsync;
    int (*setxattr)(const char *, const char *, const char *, size_t, int);
    void *getxattr, *listxattr;
    int (*removexattr)(const char *, const char *);
    int (*opendir)(const char *, struct file_info *);
    int (*readdir)(const char *, void *, filler, int64_t, struct file_info *);
    int (*releasedir)(const char *, struct file_info *);
    void *fsyncdir;
    void *(*init)(struct conn_info *);
    void (*destroy)(void *);
    int (*access)(const char *, int);
    int (*create)(const char *, uint32_t, struct file_info *);
    int (*ftruncate)(const char *, int64_t, struct file_info *);
    void *fgetattr, *lock;
    int (*utimens)(const char *, const struct timespec64[2]);
    void *bmap;
    uint32_t bits;
    void *ioctl, *poll, *write_buf, *read_buf, *flock, *fallocate;
    int (*getpath)(const char *, char *, size_t, struct file_info *);
    void *reserved01, *reserved02, *statfs_x, *setvolname, *exchange, *getxtimes, *setbkuptime;
    int (*setchgtime)(const char *, const struct timespec64 *);
    int (*setcrtime)(const char *, const struct timespec64 *);
    int (*chflags)(const char *, uint32_t);
    void *setattr_x, *fsetattr_x;
};
