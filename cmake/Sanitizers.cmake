# kgw_options carries the warnings of the house and the chosen sanitizer to every target of ours.
# Libraries from outside (and the generated Envoy API) are never instrumented.
# `address` includes UBSan and the coverage that libFuzzer needs, so that one tree serves the unit
# tests and the fuzzers.
set(KGW_SANITIZE "" CACHE STRING "address, thread or empty")
add_library(kgw_options INTERFACE)
target_compile_options(kgw_options INTERFACE -Wall -Wextra -Wno-missing-field-initializers)
target_link_options(kgw_options INTERFACE -Wl,--gc-sections)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # These fire on the inlined standard library of GCC 12 itself, and only when optimizing.
  target_compile_options(kgw_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized
    -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
else()
  # libstdc++ 12 uses what it deprecates (std::stable_sort: get_temporary_buffer).
  target_compile_options(kgw_options INTERFACE -Wno-deprecated-declarations)
endif()

if(KGW_SANITIZE STREQUAL "address")
  set(flags -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined)
elseif(KGW_SANITIZE STREQUAL "thread")
  set(flags -fsanitize=thread)
elseif(NOT KGW_SANITIZE STREQUAL "")
  message(FATAL_ERROR "KGW_SANITIZE=${KGW_SANITIZE}: expected address or thread")
endif()
if(flags)
  # vptr would need type information of libraries that were built without it.
  target_compile_options(kgw_options INTERFACE ${flags} -fno-sanitize=vptr -fno-omit-frame-pointer
    -gline-tables-only)
  target_link_options(kgw_options INTERFACE ${flags})
else()
  target_compile_options(kgw_options INTERFACE -Werror)
endif()
