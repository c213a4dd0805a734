/* SPDX-License-Identifier: Apache-2.0 */

/* A stand-in for the library of WinFsp, for tests under Wine alone, which cannot run
   WinFsp's driver. It asks a file system what the driver would have it asked, from
   threads of its own, and shows it by copying what it is told into a folder. There is
   no cache, no page fault and no evaluation of access rights in it.

   Standard input has what else it is to ask, one question in a line, and each answer
   is one line of JSON on standard output, as is all that it is told:

     stat PATH      read PATH      change PATH
     open PATH      again PATH     close PATH      of one file that is kept open  */

#include <windows.h>
#include <stdio.h>
#include <string.h>

#include "fuse.h"

extern struct operations *fs; /* that is asked */
extern volatile LONG over;    /* it is to end */
extern SRWLOCK in_use;        /* shared by who asks */

/* say writes a line, with a path where there is one and more members of the object. */
void say(const char *what, const char *path, const char *more);
void say_answer(const char *what, const char *path, int answer);

/* contents reads a file by four threads at once. Memory is the caller's to free. It
   returns what the file system does: 0, or a negative error number. */
int contents(const char *path, char **data, int64_t *size);

/* asked_again reads once more from the file that is kept open. */
int asked_again(const char *path);

/* take makes what the file system is shown in, which must not be there; leave takes
   it away with all that is in it. */
int take(const char *mountpoint);
void leave(const char *mountpoint);

/* show and hear are threads: one shows everything, the other reads questions. */
DWORD WINAPI show(void *unused);
DWORD WINAPI hear(void *unused);
