# One installed target, cairn::cairn, for find_package(cairn): the library, its public headers, the program, the schema.
include(CMakePackageConfigHelpers)

set(CAIRN_PACKAGE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/cairn)
install(TARGETS cairn EXPORT cairn_targets)
install(EXPORT cairn_targets FILE cairnTargets.cmake NAMESPACE cairn:: DESTINATION ${CAIRN_PACKAGE_FOLDER})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/cairn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*_internal.h" EXCLUDE)
install(FILES ${CMAKE_SOURCE_DIR}/docs/reference/result.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/cairn)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/cairnConfig.cmake.in ${CMAKE_BINARY_DIR}/cairnConfig.cmake
  INSTALL_DESTINATION ${CAIRN_PACKAGE_FOLDER})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cairnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/cairnConfig.cmake ${CMAKE_BINARY_DIR}/cairnConfigVersion.cmake
  ${CMAKE_SOURCE_DIR}/cmake/find_libraries.cmake DESTINATION ${CAIRN_PACKAGE_FOLDER})
