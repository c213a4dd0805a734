/* SPDX-License-Identifier: Apache-2.0 */

#include "standin.h"

#define DELETE_OK 0x40000000 /* asked of access before something is deleted or renamed */
#define READ_WRITE 2

static struct file_info kept;

/* part is what one thread reads of a file, in pieces of its own size. */
struct part { const char *path; struct file_info *fi; char *data; int64_t from, to; size_t piece; int answer; };

static DWORD WINAPI read_part(void *argument)
{
    struct part *p = argument;
    while (p->from < p->to) {
        size_t want = p->to - p->from < (int64_t)p->piece ? p->to - p->from : p->piece;
        int n = fs->read(p->path, p->data + p->from, want, p->from, p->fi);
        if (n < 0 || (size_t)n != want) { /* the driver does not ask for more than there is */
            p->answer = n < 0 ? n : 1;
            break;
        }
        p->from += n;
    }
    return 0;
}

int contents(const char *path, char **data, int64_t *size)
{
    static const size_t pieces[4] = {4096, 65536, 7777, 1 << 20};
    struct stat_ex st = {0};
    struct file_info fi = {0};
    *data = NULL;
    int answer = fs->getattr(path, &st);
    if (answer == 0)
        answer = fs->open(path, &fi);
    if (answer != 0)
        return answer;
    struct part parts[4];
    HANDLE threads[4];
    *size = st.size;
    *data = HeapAlloc(GetProcessHeap(), 0, st.size + 1);
    for (int i = 0; i < 4; i++) {
        parts[i] = (struct part){path, &fi, *data, st.size * i / 4, st.size * (i + 1) / 4, pieces[i], 0};
        threads[i] = CreateThread(NULL, 0, read_part, &parts[i], 0, NULL);
    }
    WaitForMultipleObjects(4, threads, TRUE, INFINITE);
    for (int i = 0; i < 4; i++) {
        CloseHandle(threads[i]);
        if (answer == 0)
            answer = parts[i].answer;
    }
    fs->release(path, &fi);
    return answer;
}

int asked_again(const char *path)
{
    char first[4096];
    return fs->read(path, first, sizeof first, 0, &kept);
}

/* change asks for all that Windows could have it change, each of which is answered. */
static void change(const char *path)
{
    struct file_info fi = {READ_WRITE}, none = {0};
    struct timespec64 now[2] = {{1700000000, 0}, {1700000000, 0}};
    char rest[1024];
    snprintf(rest, sizeof rest,
        "\"answers\":{\"open\":%d,\"create\":%d,\"write\":%d,\"truncate\":%d,\"ftruncate\":%d,\"mkdir\":%d,\"mknod\":%d,"
        "\"unlink\":%d,\"rmdir\":%d,\"rename\":%d,\"link\":%d,\"symlink\":%d,\"chmod\":%d,\"chown\":%d,\"utimens\":%d,"
        "\"setcrtime\":%d,\"setchgtime\":%d,\"chflags\":%d,\"setxattr\":%d,\"removexattr\":%d,\"access to delete\":%d,\"access to write\":%d}",
        fs->open(path, &fi), fs->create("/new", 0600, &none), fs->write(path, "x", 1, 0, &none), fs->truncate(path, 0),
        fs->ftruncate(path, 0, &none), fs->mkdir("/new", 0700), fs->mknod("/new", 0100600, 0), fs->unlink(path), fs->rmdir(path),
        fs->rename(path, "/new"), fs->link(path, "/new"), fs->symlink(path, "/new"), fs->chmod(path, 0600), fs->chown(path, 1, 1),
        fs->utimens(path, now), fs->setcrtime(path, now), fs->setchgtime(path, now), fs->chflags(path, 0),
        fs->setxattr(path, "user.x", "x", 1, 0), fs->removexattr(path, "user.x"), fs->access(path, DELETE_OK), fs->access(path, 2));
    say("change", path, rest);
}

/* checksum is the CRC-32 of zip. */
static uint32_t checksum(const char *data, int64_t size)
{
    uint32_t sum = ~0u;
    for (int64_t i = 0; i < size; i++) {
        sum ^= (unsigned char)data[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320u : 0);
    }
    return ~sum;
}

static void answer(const char *what, const char *path)
{
    char rest[8192], spelling[4096] = "";
    if (strcmp(what, "stat") == 0) {
        struct stat_ex st = {0};
        int got = fs->getattr(path, &st), named = fs->getpath(path, spelling, sizeof spelling, NULL);
        snprintf(rest, sizeof rest, "\"answer\":%d,\"spelling\":\"%s\",\"named\":%d,\"size\":%lld,\"mode\":%u,\"flags\":%u",
            got, spelling, named, (long long)st.size, st.mode, st.flags);
        say(what, path, rest);
    } else if (strcmp(what, "read") == 0) {
        char *data;
        int64_t size = 0;
        int got = contents(path, &data, &size);
        snprintf(rest, sizeof rest, "\"answer\":%d,\"size\":%lld,\"crc\":%u", got, (long long)size, got ? 0 : checksum(data, size));
        say(what, path, rest);
        HeapFree(GetProcessHeap(), 0, data);
    } else if (strcmp(what, "change") == 0)
        change(path);
    else if (strcmp(what, "open") == 0) {
        kept = (struct file_info){0};
        say_answer(what, path, fs->open(path, &kept));
    } else if (strcmp(what, "again") == 0)
        say_answer(what, path, asked_again(path));
    else if (strcmp(what, "close") == 0)
        say_answer(what, path, fs->release(path, &kept));
    else
        say("unknown", what, "");
}

DWORD WINAPI hear(void *unused)
{
    char line[4096];
    DWORD n = 0, got;
    while (n + 1 < sizeof line && ReadFile(GetStdHandle(STD_INPUT_HANDLE), line + n, 1, &got, NULL) && got == 1) {
        if (line[n] != '\n') {
            n++;
            continue;
        }
        line[n] = 0;
        n = 0;
        char *path = strchr(line, ' ');
        if (path == NULL)
            continue;
        *path++ = 0;
        AcquireSRWLockShared(&in_use);
        if (!over)
            answer(line, path);
        ReleaseSRWLockShared(&in_use);
    }
    return 0;
}
