// SPDX-License-Identifier: Apache-2.0

// Package mount shows an io/fs.FS as a read-only folder: on Linux through FUSE, on
// Windows through WinFsp and on macOS through macFUSE. It knows nothing of packages: whatever serves bytes behind the io/fs.FS is
// asked for them, and an error of its becomes EIO for the program that reads.
//
// # How a read travels
//
// On Linux: a program reads or maps a file. What is in the page cache never comes here.
// For the rest the kernel sends requests of up to 1 MiB, several at a time, on
// which goroutines of the go-fuse library call ReadAt of the file, straight into
// the buffer that is then written to the kernel; or the file lends its own (Lender).
// Nothing is copied in between and nothing is cached here: the kernel keeps the
// pages, across opens (FOPEN_KEEP_CACHE), because files never change.
//
// Where the kernel's read-ahead could not be raised, as for users, its requests have
// 128 KiB and come one or two at a time. Then this package looks for streams,
// requests of a file that follow each other by offset, and reads ahead of them: jobs
// of 1 MiB, on two goroutines for each processor, into a bounded set of
// buffers, from where they are stored into the kernel's page cache (notify-store).
// read and page faults find them there. A request for what is on its way waits for
// it instead of reading it again, and one for the first page of a job, which is kept
// back from the kernel, tells how far the program has come. A job reads by the same
// ReadAt, so its bytes were checked in the same way; one that fails stores nothing
// and says nothing, and the request that needs those bytes fails by itself. Streams
// end where requests go elsewhere, and their windows shrink where the kernel drops
// pages before they were read. Random reads cause no jobs.
//
// No kernel reads ahead of programs that go past its cache (O_DIRECT). For them there
// are jobs on every mount, whose data is not stored but waits in its buffer until it is
// asked for. Where nobody asks, others get the buffer after a second.
//
// # What a gigabyte costs
//
// Seconds of a processor for 10^9 bytes that one program reads in sequence by read(2)
// as root, when nothing is cached, with AES-256-GCM and SHA-256 leaves. Measured is a
// profile of the whole machine (perf, two processors of the Sapphire Rapids kind, Linux
// 6.18). The arithmetic is what the parts take by themselves, with their data in the
// processor's cache: the benchmarks of crypto and container, and a plain file's copy.
//
//	                                        arithmetic   measured
//	read the package past the cache                         0.03
//	hash the leaves, sixteen together          0.23         0.28
//	decrypt                                    0.15         0.19
//	copy into the page cache                   0.11         0.22
//	requests, scheduling, all else                          0.07
//	the program: copy and wait                 0.11         0.23
//	together                                   0.60         1.02
//
// So two processors need 0.51 s, and it takes 0.60 to 0.65 s: for the rest, some 0.1 s
// each, both wait for storage where a window of the kernel's read-ahead ends. What
// copying takes beyond the arithmetic is memory: the page cache's pages are always
// cold, and the program copies them where others have written them. Plaintext is
// decrypted in the place of its ciphertext and copied from there (Lender); with a
// buffer of its own decrypting took 0.25 s and copying 0.25 s. Leaves of BLAKE3 take
// as long as those of SHA-256 here; without AVX-512 SHA-256 takes 0.52 s.
//
// Bytes and calls, which tests hold: 1.0069 bytes of the package are read for one
// served, each once hashed and decrypted; 954 requests make some 2,900 system calls
// (request, package, reply), besides up to three for the hashes of each 16 MiB. For
// users the stores and requests are five calls for a megabyte. A page fault without
// read-ahead is three calls: it reads and hashes a leaf of 64 KiB and decrypts a chunk
// of 16 KiB.
//
// # How a mount is closed
//
// Options.Allow is asked for every name, listing, opening and read that reaches
// this process, and again before bytes leave it. What the kernel has cached never
// reaches it, so once Allow refuses, Server.Revoke makes the kernel drop all pages
// and names, also those that programs have mapped or locked, and Server.Detach
// takes the folder out of sight. Programs that have files open get EACCES from
// then on, or SIGBUS through a mapping, until they close them. What they have
// copied, and pages that they have handed to a pipe or a device, stay with them;
// and it takes a living process: the pages of open mappings outlive one that is
// killed.
//
// # A mount in another namespace
//
// Prepare mounts where the calling process is, and Prepared.Serve answers from a
// process that is elsewhere: the device of the mount is all that it needs. The
// mount then lives as long as something in its namespace does, since nothing else
// holds it, and what enters the folder before it is served waits. Server.Revoke
// works as ever; unmounting is the namespace's.
//
// # Other systems
//
// WinFsp and macFUSE are reached by cgofuse, on Windows without cgo. What checks,
// reads and decrypts ahead is the same code for all systems; the library's part is
// what asks it. On Linux that part is built with -tags fuse3 and cgo, over libfuse,
// where the tests of mounts run with it. What differs:
//
//   - Jobs have no way into the system's cache, so what they decrypt waits in memory
//     until it is asked for, and nothing is lent: replies are filled.
//   - Windows caches data and reads ahead where FileInfoTimeout is -1, and only there.
//     It forgets a file when its last handle is closed: KeepFileCache would spare
//     reads, but what lies in the cache of a file that is not open could not be taken
//     back.
//   - Server.Revoke asks WinFsp to purge the files that were opened
//     (FspFileSystemNotify). Pages that a program has mapped stay with it. On macOS and
//     over libfuse there is no such call: reads are refused because the system asks for
//     attributes first, mapped pages stay as well.
//   - WinFsp has no read-only option that cgofuse passes on. Every question that would
//     change something is answered with EROFS, and files carry the read-only attribute.
//   - Names on Windows are found whatever their case, unless a folder has two that are
//     one without it; then case matters in the whole mount, so that no name ever leads
//     to another file.
//   - Others than the user are kept out by the modes of files and folders, which WinFsp
//     makes access lists of.
//
// # What is set, and why
//
// On Linux, through go-fuse:
//
//   - The read-ahead of the mount's device is raised where that is allowed. At
//     the kernel's default of 128 KiB every request is that small whatever the
//     other settings say, and a cold sequential read takes up to twice as long;
//     that is what jobs are for.
//   - No more than 32 requests are under way: each has a buffer of its size, and
//     more of them hide no more of the storage's latency. With Options.Memory they
//     become smaller, down to 128 KiB, and then fewer.
//   - Requests may have 1 MiB (max_pages), also where pages are larger than 4 KiB.
//   - Splice is off: the bytes come from memory, and pipes only add work.
//   - Direct I/O of readers is asynchronous (FUSE_ASYNC_DIO), so that an O_DIRECT
//     reader keeps several requests under way.
//   - The kernel does not look for changes of the data behind its cache
//     (FUSE_EXPLICIT_INVAL_DATA): there are none.
//   - Entries, attributes and listings may be cached for a year: nothing changes.
//   - FOPEN_DIRECT_IO is never set: it would forbid MAP_SHARED mappings, which
//     frameworks use.
//
// # Traps
//
// The process that serves a mount must never read, map or execute from it: a
// page fault blocks the thread outside of the scheduler's sight, and the thread
// that should answer it may be the same. A read that returns less than was asked
// for means the end of the file to the kernel, so it is an error here.
//
// The kernel keeps the pages of a request locked until it is answered, and a
// notify-store waits for locked pages. So nothing that a request waits for may wait
// for a store, nor stand in a queue behind one: a request waits only for a job that
// is reading, and does one that has not begun by itself.
//
// A store that ends after Server.Revoke has dropped the pages would put some back:
// see there. Pages that are stored count for the control group of this process, not
// for that of the program that reads: where its memory is limited to little more
// than it needs itself, reading ahead gains nothing.
package mount
