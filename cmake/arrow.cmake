# The plugin that reads Parquet and Arrow files. Debian has no package of Arrow's C++ library, so it is found, in this order,
# where CAIRN_ARROW says, among installed packages, in build/arrow (made by scripts/setup arrow), and in a Python's pyarrow, whose
# wheel carries headers and libraries. Without it everything else is built the same.
set(CAIRN_ARROW "auto" CACHE STRING "Arrow's C++ library: auto, off, or the folder of pyarrow or of an installed Arrow")

# Sets CAIRN_ARROW_INCLUDE, CAIRN_ARROW_LIBRARIES and CAIRN_ARROW_FOLDER from a folder of pyarrow, or of an installation.
function(cairn_find_arrow folder)
  file(GLOB arrow ${folder}/libarrow.so.[0-9]* ${folder}/lib/libarrow.so ${folder}/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libarrow.so)
  file(GLOB parquet ${folder}/libparquet.so.[0-9]* ${folder}/lib/libparquet.so ${folder}/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libparquet.so)
  if(NOT arrow OR NOT parquet OR NOT EXISTS ${folder}/include/parquet/arrow/reader.h)
    return()
  endif()
  list(GET arrow 0 arrow)
  list(GET parquet 0 parquet)
  get_filename_component(libraries ${arrow} DIRECTORY)
  set(CAIRN_ARROW_INCLUDE ${folder}/include PARENT_SCOPE)
  set(CAIRN_ARROW_LIBRARIES ${parquet} ${arrow} PARENT_SCOPE)
  set(CAIRN_ARROW_FOLDER ${libraries} PARENT_SCOPE)
endfunction()

# Where an installation has the plugin, which is found from the program first, so that the folder may be moved.
set_source_files_properties(${CMAKE_SOURCE_DIR}/cairn/readers/parquet.cpp PROPERTIES
  COMPILE_DEFINITIONS "CAIRN_PLUGIN_FOLDER=\"${CMAKE_INSTALL_FULL_LIBDIR}/cairn\"")

if(CAIRN_ARROW STREQUAL "off" OR CAIRN_SANITIZE OR CAIRN_FUZZ)
  return()  # a library from elsewhere knows nothing of our sanitizers
endif()
if(NOT CAIRN_ARROW STREQUAL "auto")
  cairn_find_arrow(${CAIRN_ARROW})
  if(NOT CAIRN_ARROW_LIBRARIES)
    message(FATAL_ERROR "CAIRN_ARROW: ${CAIRN_ARROW} holds no libarrow, libparquet and include/parquet/arrow/reader.h.")
  endif()
else()
  file(GLOB ours ${CMAKE_SOURCE_DIR}/build/arrow/lib/python3*/site-packages/pyarrow)
  find_program(CAIRN_PYTHON python3)
  if(NOT ours AND CAIRN_PYTHON)
    execute_process(COMMAND ${CAIRN_PYTHON} -c "import importlib.util as u; print(u.find_spec('pyarrow').submodule_search_locations[0])"
      OUTPUT_VARIABLE ours OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  foreach(folder IN LISTS ours ITEMS /usr /usr/local)
    if(NOT CAIRN_ARROW_LIBRARIES AND IS_DIRECTORY ${folder})
      cairn_find_arrow(${folder})
    endif()
  endforeach()
endif()
if(NOT CAIRN_ARROW_LIBRARIES)
  message(STATUS "Arrow: not found; Parquet and Arrow files will not be read (scripts/setup arrow)")
  return()
endif()
message(STATUS "Arrow: ${CAIRN_ARROW_FOLDER}")

add_library(cairn_arrow MODULE ${CMAKE_SOURCE_DIR}/plugins/arrow/arrow_plugin.cpp)
set_target_properties(cairn_arrow PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} BUILD_RPATH ${CAIRN_ARROW_FOLDER}
  INSTALL_RPATH ${CAIRN_ARROW_FOLDER})
target_include_directories(cairn_arrow SYSTEM PRIVATE ${CAIRN_ARROW_INCLUDE})
target_link_libraries(cairn_arrow PRIVATE cairn_flags ${CAIRN_ARROW_LIBRARIES})
install(TARGETS cairn_arrow LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/cairn)
