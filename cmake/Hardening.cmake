# What makes a fault in memory harder to use, in the release build: the stack is guarded, calls of the C
# library are checked where sizes are known, addresses are random, and what the dynamic linker has written
# becomes read-only. Sanitizers watch more closely and stay alone. tests/tools/test_build.py reads it back.
include(CheckPIESupported)
check_pie_supported()
if(KGW_SANITIZE STREQUAL "")
  target_compile_options(kgw_options INTERFACE $<$<CONFIG:Release>:-fstack-protector-strong>)
  target_compile_options(kgw_options INTERFACE "$<$<CONFIG:Release>:-U_FORTIFY_SOURCE>")
  target_compile_options(kgw_options INTERFACE "$<$<CONFIG:Release>:-D_FORTIFY_SOURCE=3>")
  target_link_options(kgw_options INTERFACE
    $<$<CONFIG:Release>:-Wl,-z,relro,-z,now,-z,noexecstack>)
endif()
