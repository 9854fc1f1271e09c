# Optimized programs link the archives of outside libraries, where the system has them, in place of
# the shared objects, and so map only what they call. kgw_compact, for the program that many run,
# makes that small: GNU ld keeps code that seldom runs apart (mold mixes it in), and relocations that
# are packed need a twentieth of the pages. Sanitizers know shared objects by name and keep them.
include(CheckCXXSourceRuns)
option(KGW_STATIC_LIBRARIES "link outside libraries statically, where there are archives" ON)
add_library(kgw_compact INTERFACE)
if(NOT KGW_STATIC_LIBRARIES OR NOT KGW_SANITIZE STREQUAL "")
  return()
endif()

# The archive beside a shared object, or what was given.
function(kgw_archive_of library result)
  string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${library}")
  if(IS_ABSOLUTE "${archive}" AND EXISTS "${archive}")
    set(${result} "${archive}" PARENT_SCOPE)
  else()
    set(${result} "${library}" PARENT_SCOPE)
  endif()
endfunction()

set_target_properties(re2::re2 PROPERTIES INTERFACE_LINK_LIBRARIES PkgConfig::KGW_RE2)  # a path, no -l
get_property(imported DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(target IN LISTS imported)
  foreach(property IMPORTED_LOCATION IMPORTED_LOCATION_NONE IMPORTED_LOCATION_RELEASE
          INTERFACE_LINK_LIBRARIES)
    get_target_property(libraries ${target} ${property})
    if(libraries)
      set(archives "")
      foreach(library IN LISTS libraries)
        kgw_archive_of("${library}" archive)
        list(APPEND archives "${archive}")
      endforeach()
      set_target_properties(${target} PROPERTIES ${property} "${archives}")
    endif()
  endforeach()
endforeach()

target_link_options(kgw_compact INTERFACE -fuse-ld=bfd)
set(CMAKE_REQUIRED_LINK_OPTIONS -fuse-ld=bfd -Wl,-z,pack-relative-relocs)
check_cxx_source_runs("int main() { return 0; }" KGW_PACKED_RELOCATIONS)  # glibc 2.36 and later
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(KGW_PACKED_RELOCATIONS)
  target_link_options(kgw_compact INTERFACE -Wl,-z,pack-relative-relocs)
endif()
