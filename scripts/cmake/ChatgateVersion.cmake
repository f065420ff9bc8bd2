# chatgate::version, which answers "which build is this?" (<chatgate/version.h>).
#
# The header changes with the project's VERSION alone. The revision stands in one generated source
# that is rewritten only when `git describe` changes: a commit costs one compilation and a link.

set(CHATGATE_REVISION "" CACHE STRING "The revision, where there is no git to ask")

set(version_dir ${CMAKE_BINARY_DIR}/version)
configure_file(${CMAKE_CURRENT_LIST_DIR}/version.h.in
  ${version_dir}/include/chatgate/version.h @ONLY)
add_custom_target(chatgate_revision
  COMMAND ${CMAKE_COMMAND} -D SOURCE_DIR=${CMAKE_SOURCE_DIR} -D OUTPUT=${version_dir}/revision.cc
    -D REVISION=${CHATGATE_REVISION} -P ${CMAKE_CURRENT_LIST_DIR}/WriteRevision.cmake
  BYPRODUCTS ${version_dir}/revision.cc
  COMMENT "Reading the revision")
add_library(chatgate_version STATIC ${version_dir}/revision.cc)
add_library(chatgate::version ALIAS chatgate_version)
add_dependencies(chatgate_version chatgate_revision)
target_compile_features(chatgate_version PUBLIC cxx_std_20)
target_include_directories(chatgate_version PUBLIC ${version_dir}/include)
