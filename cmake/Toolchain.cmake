# Faster builds where the tools are there; nothing depends on them.
find_program(KGW_CCACHE ccache)
if(KGW_CCACHE)
  foreach(language C CXX)
    if(NOT CMAKE_${language}_COMPILER_LAUNCHER)
      set(CMAKE_${language}_COMPILER_LAUNCHER "${KGW_CCACHE}")
    endif()
  endforeach()
endif()
find_program(KGW_MOLD mold)
if(KGW_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
# Linking is the memory peak of a build: at most two at once.
set_property(GLOBAL PROPERTY JOB_POOLS link=2)
set(CMAKE_JOB_POOL_LINK link)
# -O2 without debug information: a third of the compile time of CMake's -O3 with it.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
