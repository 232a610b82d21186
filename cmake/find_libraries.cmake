# Finds every outside library. Installed beside cairnConfig.cmake too: a static library needs them again where it is linked.

find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
if(CAIRN_TBB)
  find_package(TBB REQUIRED)
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(SIMDJSON REQUIRED IMPORTED_TARGET simdjson)

find_path(PROTOZERO_INCLUDE protozero/pbf_reader.hpp REQUIRED)  # protocol buffers (ONNX), headers only

# HDF5, matio and SQLite are loaded when a file asks for them: HDF5 alone would cost every start 6 ms. Their headers say what is called.
find_path(HDF5_INCLUDE hdf5.h PATHS /usr/include/hdf5/serial REQUIRED)
find_path(MATIO_INCLUDE matio.h REQUIRED)
find_path(SQLITE_INCLUDE sqlite3.h REQUIRED)
foreach(name HDF5 MATIO SQLITE)
  string(TOLOWER cairn_${name}_header header)
  if(NOT TARGET ${header})
    add_library(${header} INTERFACE IMPORTED GLOBAL)
    target_include_directories(${header} INTERFACE ${${name}_INCLUDE})
  endif()
endforeach()

# The serial build of OpenBLAS, wherever the system's alternatives point: cairn runs vendor calls on one thread inside its
# own parallel loops, so that the same data gives the same bytes for any number of threads.
find_library(OPENBLAS_LIBRARY openblas PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial NO_DEFAULT_PATH)
if(NOT OPENBLAS_LIBRARY)
  find_library(OPENBLAS_LIBRARY openblas REQUIRED)
endif()
find_path(OPENBLAS_INCLUDE cblas.h
  PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial /usr/include/openblas /usr/include REQUIRED NO_DEFAULT_PATH)
get_filename_component(OPENBLAS_FOLDER ${OPENBLAS_LIBRARY} DIRECTORY)
if(NOT TARGET cairn_openblas)
  add_library(cairn_openblas INTERFACE IMPORTED GLOBAL)
  target_include_directories(cairn_openblas INTERFACE ${OPENBLAS_INCLUDE})
  target_link_libraries(cairn_openblas INTERFACE ${OPENBLAS_LIBRARY})
  target_link_options(cairn_openblas INTERFACE -Wl,-rpath,${OPENBLAS_FOLDER})
endif()

# oneDNN, and the OpenMP library that it is built on: cairn tells it to use one thread.
if(CAIRN_ONEDNN)
  find_library(ONEDNN_LIBRARY dnnl REQUIRED)
  find_path(ONEDNN_INCLUDE oneapi/dnnl/dnnl.hpp REQUIRED)
  find_library(GOMP_LIBRARY NAMES libgomp.so.1 gomp REQUIRED)
  if(NOT TARGET cairn_onednn)
    add_library(cairn_onednn INTERFACE IMPORTED GLOBAL)
    target_include_directories(cairn_onednn INTERFACE ${ONEDNN_INCLUDE})
    target_link_libraries(cairn_onednn INTERFACE ${ONEDNN_LIBRARY} ${GOMP_LIBRARY})
  endif()
endif()
