// The C library's own store of free memory.
#pragma once

namespace vecdb {

// Returns free memory to the system, where the C library is one that keeps much of it (glibc).
void trim_heaps();

}  // namespace vecdb
