/* For tests under a Wine that has no bcryptprimitives.dll (before 9): the one function of it that
   Rust's standard library needs. Never shipped; Windows has its own. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T len)
{
    /* SystemFunction036 of advapi32. */
    return len <= MAXLONG && RtlGenRandom(bytes, (ULONG)len);
}
