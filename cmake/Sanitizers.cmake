# kgw_options carries the warnings of the house and the chosen sanitizer to every target of ours.
# Libraries from outside are never instrumented, and of their headers UBSan checks nothing
# (ubsan_ignore.txt). `address` is ASan with UBSan; its libraries count coverage as well
# (kgw_coverage), so that one tree serves the unit tests and the fuzzers.
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
  set(flags -fsanitize=address,undefined -fno-sanitize-recover=undefined
    "-fsanitize-ignorelist=${CMAKE_CURRENT_LIST_DIR}/ubsan_ignore.txt"
    # vptr would need type information of libraries that were built without it.
    -fno-sanitize=vptr)
elseif(KGW_SANITIZE STREQUAL "thread")
  set(flags -fsanitize=thread)
elseif(NOT KGW_SANITIZE STREQUAL "")
  message(FATAL_ERROR "KGW_SANITIZE=${KGW_SANITIZE}: expected address or thread")
endif()

add_library(kgw_coverage INTERFACE)  # what libFuzzer wants to know of the code it drives
if(NOT flags)
  target_compile_options(kgw_options INTERFACE -Werror)
  return()
endif()
target_compile_options(kgw_options INTERFACE ${flags} -fno-omit-frame-pointer -gline-tables-only)
target_link_options(kgw_options INTERFACE ${flags})
if(KGW_SANITIZE STREQUAL "address")
  target_compile_options(kgw_coverage INTERFACE
    -fsanitize-coverage=inline-8bit-counters,pc-table,indirect-calls,trace-cmp)
endif()
