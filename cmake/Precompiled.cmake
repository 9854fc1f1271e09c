# kgw_precompiled(TARGET): in a sanitizer tree, spares its files the parsing of precompiled.h, which
# at -O0 is half of what compiling them costs. The release tree goes without, so that a missing
# #include is still found.
if(KGW_SANITIZE STREQUAL "")
  function(kgw_precompiled target)
  endfunction()
  return()
endif()

if(KGW_CCACHE)  # what it asks for before it caches users of a precompiled header
  list(PREPEND CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros)
endif()

add_library(kgw_pch OBJECT "${CMAKE_CURRENT_LIST_DIR}/precompiled.cc")
target_compile_options(kgw_pch PRIVATE -Xclang -fno-pch-timestamp)
target_link_libraries(kgw_pch PRIVATE kgw_options envoy_protos absl::btree absl::flat_hash_map
  absl::flat_hash_set fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json Boost::headers
  GTest::gmock PkgConfig::re2)
target_precompile_headers(kgw_pch PRIVATE "${CMAKE_CURRENT_LIST_DIR}/precompiled.h")

function(kgw_precompiled target)
  # A header and its users must agree on these; a program would have -fPIE.
  target_compile_options(${target} PRIVATE -pthread
    $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-fPIC>)
  target_precompile_headers(${target} REUSE_FROM kgw_pch)
endfunction()
