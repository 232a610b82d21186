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
endif()

find_program(CAIRN_CCACHE ccache)
if(CAIRN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CAIRN_CCACHE})
endif()
