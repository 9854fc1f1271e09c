// How much memory benchmarks have in use.
#pragma once

#ifdef KGW_HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

#include <cstddef>
#include <cstdint>

namespace kgw::app {

// Bytes that the process has allocated and not freed; 0 without jemalloc.
inline std::size_t heap_bytes() {
  std::size_t bytes = 0;
#ifdef KGW_HAVE_JEMALLOC
  std::uint64_t epoch = 1;
  std::size_t size = sizeof epoch;
  mallctl("epoch", &epoch, &size, &epoch, size);
  size = sizeof bytes;
  mallctl("stats.allocated", &bytes, &size, nullptr, 0);
#endif
  return bytes;
}

}  // namespace kgw::app
