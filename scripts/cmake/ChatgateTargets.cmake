# How a library, a test and a fuzz target of chatgate are declared.

include(ChatgateLayers)

# The libraries form a layered graph (libs/README.md); CMake refuses what is not one.
set_property(GLOBAL PROPERTY GLOBAL_DEPENDS_NO_CYCLES ON)
set(CMAKE_LINK_LIBRARIES_ONLY_TARGETS ON)      # A misspelt dependency is an error.
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)     # Each public header compiles on its own.

# chatgate_add_library(<name> SOURCES <file>... [PUBLIC <target>...] [PRIVATE <target>...])
#
# Defines libs/<name> as chatgate::<name>. PUBLIC and PRIVATE are its edges in the graph; an edge
# that does not point to a lower layer is an error.
function(chatgate_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS include/*.h)
  add_library(chatgate_${name} STATIC ${arg_SOURCES})
  add_library(chatgate::${name} ALIAS chatgate_${name})
  target_sources(chatgate_${name} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
  target_compile_features(chatgate_${name} PUBLIC cxx_std_20)
  target_compile_options(chatgate_${name} PRIVATE ${CHATGATE_HARDENING})
  target_include_directories(chatgate_${name} PRIVATE src)
  target_link_libraries(chatgate_${name}
    PUBLIC ${arg_PUBLIC}
    PRIVATE ${arg_PRIVATE} chatgate_compile_options)
  chatgate_check_layer(${name})
endfunction()

# What scripts/test builds for one label; the targets below add themselves.
foreach(label unit integration e2e fuzz bench)
  add_custom_target(${label}_tests)
endforeach()

# chatgate_add_test(<name> LABEL unit|integration SOURCES <file>... LIBS <target>...)
#
# One GoogleTest program <name>_test; each of its cases is a test of ctest. Under a sanitizer a
# program of unit tests is one test as a whole: to start each of 1,500 takes minutes.
function(chatgate_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL" "SOURCES;LIBS")
  add_executable(${name}_test ${arg_SOURCES})
  add_dependencies(${arg_LABEL}_tests ${name}_test)
  target_link_libraries(${name}_test PRIVATE ${arg_LIBS} GTest::gmock_main
    chatgate_compile_options)
  # The code under test is optimised; its tests are not. Assertion macros are what compilers are
  # slowest at: 9 s becomes 2 s for a long test, 19 s becomes 2 s under the sanitizers.
  target_compile_options(${name}_test PRIVATE -O0)
  if(CHATGATE_SANITIZE AND arg_LABEL STREQUAL "unit")
    add_test(NAME unit.${name} COMMAND ${name}_test --gtest_brief=1)
    set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 600)
    return()
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name}_test
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT 120)
endfunction()

set(CHATGATE_FUZZ_SECONDS 30 CACHE STRING "How long the asan preset's ctest runs each fuzz target")

# chatgate_add_fuzz(<name> [SOURCES <file>...] LIBS <target>...)
#
# <name>_fuzz from <name>_fuzz.cc and SOURCES. With the asan preset it is a libFuzzer program, which
# its test runs for CHATGATE_FUZZ_SECONDS; in every other build it replays its corpus
# (corpus/<name>).
function(chatgate_add_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
  add_executable(${name}_fuzz ${name}_fuzz.cc ${arg_SOURCES})
  target_link_libraries(${name}_fuzz PRIVATE ${arg_LIBS} chatgate_compile_options)
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  if(CHATGATE_FUZZ_ENGINE)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    # libFuzzer adds what it finds to the first folder: the committed corpus stays as it is.
    set(found ${CMAKE_BINARY_DIR}/fuzz/${name})
    file(MAKE_DIRECTORY ${found})
    add_test(NAME fuzz.${name} COMMAND ${name}_fuzz -max_total_time=${CHATGATE_FUZZ_SECONDS}
      -timeout=10 -rss_limit_mb=2048 -artifact_prefix=${found}- ${found} ${corpus})
    set(label fuzz)
    math(EXPR timeout "${CHATGATE_FUZZ_SECONDS} + 120")
  else()
    target_sources(${name}_fuzz PRIVATE replay_corpus.cc)
    add_test(NAME fuzz.${name} COMMAND ${name}_fuzz ${corpus})
    set(label unit)
    set(timeout 120)
  endif()
  set_tests_properties(fuzz.${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout})
  add_dependencies(${label}_tests ${name}_fuzz)
endfunction()
