# Compiler settings shared by every target: warnings, sanitizers, compiler cache, linker.

add_library(cairn_flags INTERFACE)
target_compile_options(cairn_flags INTERFACE -Wall -Wextra -Wshadow -Wno-missing-field-initializers
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  # libstdc++ 12's own std::stable_sort calls what C++17 deprecates, and clang says so at our line.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
if(CAIRN_WERROR)
  target_compile_options(cairn_flags INTERFACE -Werror)
endif()
# Fused multiply-add would make the same source give other bits on other compilers and instruction sets; kernels that want
# it ask for it by name.
target_compile_options(cairn_flags INTERFACE -ffp-contract=off)
# Loops over elements become vectors, which g++ does at -O3 and clang by itself; no value changes: errno and floating-point traps are
# nobody's concern here.
set(CAIRN_FLAGS_ops $<$<CXX_COMPILER_ID:GNU>:-O3> -fno-math-errno -fno-trapping-math)
if(CAIRN_SANITIZE)
  target_compile_options(cairn_flags INTERFACE -fsanitize=${CAIRN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(cairn_flags INTERFACE -fsanitize=${CAIRN_SANITIZE})
  # Kernels are the same lines for each instruction set: the widest, the usual and the plain one are looked at.
  target_compile_definitions(cairn_flags INTERFACE "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4)")
endif()

# A fuzzer is steered by the branches its input takes. Those are counted in the folders that read input; elsewhere the counters would
# only cost time.
set(CAIRN_FUZZED base data image model nn readers tensor train tree)
set(CAIRN_UNCOUNTED "")
if(CAIRN_SANITIZE MATCHES "fuzzer")
  set(CAIRN_UNCOUNTED -fno-sanitize-coverage=inline-8bit-counters,indirect-calls,trace-cmp,pc-table)
endif()

find_program(CAIRN_CCACHE ccache)
if(CAIRN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CAIRN_CCACHE})
endif()

# The headers that most sources read, compiled once: a third of the time of a sanitizer's build. Targets that share one must be
# compiled alike, so the library and the tests have one each, and a folder with flags of its own has none.
function(cairn_precompile target group)
  if(NOT CAIRN_PCH)
    return()
  endif()
  get_property(owner GLOBAL PROPERTY CAIRN_PCH_${group})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled.h)
    set_property(GLOBAL PROPERTY CAIRN_PCH_${group} ${target})
  endif()
endfunction()
if(CAIRN_PCH)
  # ccache looks through a precompiled header only when it is allowed to.
  list(PREPEND CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
