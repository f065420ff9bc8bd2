# cmake -D SOURCE_DIR=... -D OUTPUT=... [-D REVISION=...] -P WriteRevision.cmake
#
# Writes the source that defines chatgate::revision(), unless it says the same already. Without a
# REVISION, git is asked.

# Without optional locks: a build must not fail a commit that runs beside it.
execute_process(
  COMMAND git --no-optional-locks -C ${SOURCE_DIR} describe --tags --always --dirty
  OUTPUT_VARIABLE revision
  OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET
  RESULT_VARIABLE failure)
if(REVISION)
  set(revision ${REVISION})
elseif(failure)
  set(revision unknown)  # No git, no commit, or an unpacked archive.
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/revision.cc.in ${OUTPUT} @ONLY)
