/* SPDX-License-Identifier: Apache-2.0 */

#include "standin.h"
#include <winioctl.h>

#define FOLDER 0040000

static WCHAR shown[MAX_PATH]; /* where it is shown, with its last backslash */

static void join(WCHAR *to, const WCHAR *folder, const char *name)
{
    WCHAR wide[MAX_PATH];
    MultiByteToWideChar(CP_UTF8, 0, name, -1, wide, MAX_PATH);
    _snwprintf(to, MAX_PATH, L"%s%s", folder, wide);
}

static void show_file(const char *path, const WCHAR *to)
{
    char *data;
    int64_t size;
    DWORD written;
    int answer = contents(path, &data, &size);
    if (answer == 0) {
        HANDLE file = CreateFileW(to, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
        WriteFile(file, data, (DWORD)size, &written, NULL);
        CloseHandle(file);
    } else
        say_answer("not shown", path, answer);
    HeapFree(GetProcessHeap(), 0, data);
}

/* names is a list of names with an empty one at its end. */
struct names { size_t used; char text[1 << 16]; };

static int add_name(void *buf, const char *name, const struct stat_ex *st, int64_t off)
{
    struct names *n = buf;
    size_t length = strlen(name) + 1;
    if (n->used + length >= sizeof n->text)
        return 1;
    memcpy(n->text + n->used, name, length);
    n->used += length;
    return st == NULL; /* readdir-plus has it */
}

static void show_folder(const char *path, const WCHAR *folder)
{
    struct file_info fi = {0};
    struct names *names = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *names);
    int answer = fs->opendir(path, &fi);
    if (answer == 0) {
        answer = fs->readdir(path, names, add_name, 0, &fi);
        fs->releasedir(path, &fi);
    }
    if (answer != 0)
        say_answer("not shown", path, answer);
    for (char *name = names->text; *name && !over; name += strlen(name) + 1) {
        struct stat_ex st = {0};
        char child[4096];
        WCHAR to[MAX_PATH];
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        snprintf(child, sizeof child, "%s/%s", path[1] ? path : "", name);
        join(to, folder, name);
        if ((answer = fs->getattr(child, &st)) != 0)
            say_answer("not shown", child, answer);
        else if (st.mode & FOLDER) {
            CreateDirectoryW(to, NULL);
            wcscat(to, L"\\");
            show_folder(child, to);
        } else
            show_file(child, to);
    }
    HeapFree(GetProcessHeap(), 0, names);
}

DWORD WINAPI show(void *unused)
{
    AcquireSRWLockShared(&in_use);
    show_folder("/", shown);
    ReleaseSRWLockShared(&in_use);
    say("shown", "/", "");
    return 0;
}

/* hide takes away what was shown: what a path with a last backslash holds. */
static void hide(const WCHAR *folder)
{
    WCHAR path[MAX_PATH];
    WIN32_FIND_DATAW found;
    _snwprintf(path, MAX_PATH, L"%s*", folder);
    HANDLE find = FindFirstFileW(path, &found);
    for (BOOL more = find != INVALID_HANDLE_VALUE; more; more = FindNextFileW(find, &found)) {
        if (wcscmp(found.cFileName, L".") == 0 || wcscmp(found.cFileName, L"..") == 0)
            continue;
        BOOL is_folder = found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
        _snwprintf(path, MAX_PATH, is_folder ? L"%s%s\\" : L"%s%s", folder, found.cFileName);
        if (is_folder)
            hide(path);
        else
            DeleteFileW(path);
    }
    FindClose(find);
    RemoveDirectoryW(folder);
}

/* define lets a drive letter stand for a folder, or for nothing where folder is NULL.
   Wine's manager of drives wants a path of Linux's; DefineDosDevice does not tell it. */
static int define(WCHAR letter, const WCHAR *folder)
{
    struct { ULONG size, type, fs_type; DWORD serial; ULONGLONG device; WCHAR letter; USHORT path_at, device_at, label_at; char path[MAX_PATH]; } drive = {sizeof drive};
    char *(CDECL *unix_name)(const WCHAR *) = (void *)GetProcAddress(GetModuleHandleA("kernel32"), "wine_get_unix_file_name");
    drive.letter = letter;
    drive.type = folder ? DRIVE_FIXED : DRIVE_NO_ROOT_DIR;
    if (folder != NULL) {
        drive.path_at = offsetof(typeof(drive), path);
        snprintf(drive.path, sizeof drive.path, "%s", unix_name(folder));
    }
    DWORD got;
    HANDLE manager = CreateFileW(L"\\\\.\\MountPointManager", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    BOOL done = DeviceIoControl(manager, CTL_CODE('m', 32, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS), &drive, sizeof drive, NULL, 0, &got, NULL);
    CloseHandle(manager);
    return done;
}

static int is_drive(const char *mountpoint) { return mountpoint[1] == ':' && mountpoint[2] == 0; }

int take(const char *mountpoint)
{
    if (is_drive(mountpoint)) {
        _snwprintf(shown, MAX_PATH, L"C:\\drive-%c\\", mountpoint[0]);
        return CreateDirectoryW(shown, NULL) && define(mountpoint[0], shown);
    }
    join(shown, L"", mountpoint);
    wcscat(shown, L"\\");
    return CreateDirectoryW(shown, NULL);
}

void leave(const char *mountpoint)
{
    hide(shown);
    if (is_drive(mountpoint))
        define(mountpoint[0], NULL);
}
