// Which table of kernels this process uses: asked of the CPU once, overridden by VECDB_ISA.
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace vecdb {

extern const Kernels kernels_baseline;
#if defined(__x86_64__)
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#endif

namespace {

#if defined(__x86_64__)

bool ask_for_f16c() {
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C);
}

// Asked once: under a hypervisor the instruction takes 20 microseconds.
bool cpu_has_f16c() {
    static const bool has = ask_for_f16c();
    return has;
}

// The compiler's test includes what the operating system saves (XCR0), for the wide registers too.
bool cpu_has_avx2() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") && cpu_has_f16c();
}

bool cpu_has_avx512() {
    return cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

#endif

const Kernels* best() {
    const char* const names[] = {"avx512", "avx2"};
    for (const char* name : names) {
        if (const Kernels* table = kernels_of(name)) return table;
    }
    return &kernels_baseline;
}

const Kernels* choose() {
    const char* asked = getenv("VECDB_ISA");
    return asked && *asked ? kernels_of(asked) : best();
}

}  // namespace

const Kernels* kernels() {
    static const Kernels* const table = choose();
    return table;
}

const Kernels* kernels_of(const char* level) {
    if (strcmp(level, "baseline") == 0) return &kernels_baseline;
#if defined(__x86_64__)
    if (strcmp(level, "avx2") == 0) return cpu_has_avx2() ? &kernels_avx2 : nullptr;
    if (strcmp(level, "avx512") == 0) return cpu_has_avx512() ? &kernels_avx512 : nullptr;
#endif
    return nullptr;
}

}  // namespace vecdb
