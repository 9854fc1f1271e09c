# kgw_allocator: jemalloc, linked into optimized programs so that freed memory goes back to the
# system and /metrics can report what is really used. Sanitizers bring their own allocator.
add_library(kgw_allocator INTERFACE)
option(KGW_JEMALLOC "link jemalloc into the programs" ON)
if(KGW_JEMALLOC AND KGW_SANITIZE STREQUAL "" AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  find_library(KGW_JEMALLOC_LIBRARY NAMES libjemalloc_pic.a REQUIRED)
  add_library(kgw_jemalloc_options OBJECT "${CMAKE_CURRENT_LIST_DIR}/jemalloc_options.c")
  target_link_libraries(kgw_allocator INTERFACE "${KGW_JEMALLOC_LIBRARY}" Threads::Threads m
    ${CMAKE_DL_LIBS})
  target_sources(kgw_allocator INTERFACE $<TARGET_OBJECTS:kgw_jemalloc_options>)
  target_compile_definitions(kgw_allocator INTERFACE KGW_HAVE_JEMALLOC=1)
endif()
