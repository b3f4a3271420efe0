/*
 * A disk that takes two milliseconds to write for good, as ordinary ones do: preloaded, it makes
 * every fsync so slow. That of a virtual machine may do it in a twentieth of one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

static int slowly(const char *name, int file)
{
    int (*sync_file)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);

    usleep(2000);
    return sync_file(file);
}

int fsync(int file)
{
    return slowly("fsync", file);
}

int fdatasync(int file)
{
    return slowly("fdatasync", file);
}
