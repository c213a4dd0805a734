/* SPDX-License-Identifier: Apache-2.0 */

#include "standin.h"

struct operations *fs;
volatile LONG over;
SRWLOCK in_use = SRWLOCK_INIT;
static void *private_data;
static DWORD context_slot;
static HANDLE ending, interrupted;

void say(const char *what, const char *path, const char *more)
{
    static SRWLOCK saying = SRWLOCK_INIT;
    char line[8192];
    int n = snprintf(line, sizeof line, "{\"what\":\"%s\",\"path\":\"", what);
    for (; path && *path && n < 4096; path++) {
        if (*path == '"' || *path == '\\')
            line[n++] = '\\';
        line[n++] = *path;
    }
    n += snprintf(line + n, sizeof line - n, "\"%s%s}\n", *more ? "," : "", more);
    DWORD written;
    AcquireSRWLockExclusive(&saying);
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), line, n, &written, NULL);
    ReleaseSRWLockExclusive(&saying);
}

void say_answer(const char *what, const char *path, int answer)
{
    char rest[64];
    snprintf(rest, sizeof rest, "\"answer\":%d", answer);
    say(what, path, rest);
}

/* WinFsp's library has the handler of consoles that is asked first, and tells no other. */
static BOOL WINAPI on_console(DWORD event)
{
    SetEvent(interrupted);
    if (event == CTRL_CLOSE_EVENT)
        Sleep(30000); /* the process is ended when this returns */
    return TRUE;
}

/* It would be a service by itself. Where the program is one already it fails, and then
   the mount ends: both are WinFsp's way. */
static void WINAPI served(DWORD argc, WCHAR **argv) {}

static DWORD WINAPI serve(void *unused)
{
    SERVICE_TABLE_ENTRYW table[2] = {{L"", served}, {NULL, NULL}};
    /* Wine lets a program that is no service wait here; Windows refuses it so. */
    if (StartServiceCtrlDispatcherW(table) || GetLastError() != ERROR_FAILED_SERVICE_CONTROLLER_CONNECT)
        return 1;
    WaitForSingleObject(interrupted, INFINITE);
    return 0;
}

/* known refuses what WinFsp would not know. It passes over such options without a word,
   by which a slip would never be noticed. */
static int known(const char *option)
{
    static const char *names[] = {"FileInfoTimeout=", "FileSystemName=", "uid=", "gid=", "volname="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(option, names[i], strlen(names[i])) == 0)
            return 1;
    return 0;
}

__declspec(dllexport) int fuse_main_real(int argc, char **argv, struct operations *ops, size_t size, void *data)
{
    const char *mountpoint = argv[1];
    if (size != sizeof *ops)
        return 1;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "-f") == 0)
            continue;
        if (strcmp(argv[i], "-o") != 0 || ++i == argc || !known(argv[i]))
            return 1;
        say("option", argv[i], "");
    }
    fs = ops;
    private_data = data;
    ending = CreateEventW(NULL, TRUE, FALSE, NULL);
    interrupted = CreateEventW(NULL, TRUE, FALSE, NULL);

    struct conn_info conn = {7, 12, 1, ~0u, 0, ~0u};
    uintptr_t statfs[11];
    struct stat_ex st = {0};
    fs->init(&conn);
    int failed = fs->statfs("/", statfs) != 0 || fs->getattr("/", &st) != 0 || !take(mountpoint);
    if (!failed) {
        char rest[64];
        snprintf(rest, sizeof rest, "\"want\":%u", conn.want);
        say("mounted", mountpoint, rest);
        SetConsoleCtrlHandler(on_console, TRUE);
        HANDLE ends[3] = {ending, interrupted, CreateThread(NULL, 0, serve, NULL, 0, NULL)};
        CloseHandle(CreateThread(NULL, 0, show, NULL, 0, NULL));
        CloseHandle(CreateThread(NULL, 0, hear, NULL, 0, NULL));
        WaitForMultipleObjects(3, ends, FALSE, INFINITE);
        over = 1;
        AcquireSRWLockExclusive(&in_use); /* and nobody gets it any more */
        leave(mountpoint);
    }
    fs->destroy(data);
    say("ended", mountpoint, "");
    return failed;
}

__declspec(dllexport) void fuse_exit(void *fuse) { SetEvent(ending); }

__declspec(dllexport) struct context *fuse_get_context(void)
{
    struct context *c = TlsGetValue(context_slot);
    if (c == NULL) {
        c = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *c);
        c->fuse = &context_slot; /* anything that is not NULL */
        c->private_data = private_data;
        TlsSetValue(context_slot, c);
    }
    return c;
}

/* The system forgets what it keeps of the file, and asks again. */
__declspec(dllexport) int fuse_notify(void *fuse, const char *path, uint32_t action)
{
    struct file_info fi = {0};
    char more[64];
    snprintf(more, sizeof more, "\"action\":%u,\"again\":%d,\"opened\":%d", action, asked_again(path), fs->open(path, &fi));
    say("notify", path, more);
    return 0;
}

/* Options of a program are not looked for here; its arguments stay as they are. */
__declspec(dllexport) int fuse_opt_parse(void *args, void *data, const void *opts, void *proc) { return 0; }
__declspec(dllexport) void fuse_opt_free_args(void *args) {}

BOOL WINAPI DllMain(HINSTANCE self, DWORD why, void *reserved)
{
    if (why == DLL_PROCESS_ATTACH)
        context_slot = TlsAlloc();
    return TRUE;
}
