# Which compiler builds chatgate, and how: warnings, sanitizers, ccache.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines, silently, at every -O level "
    "(GCC PR106188, PR100611, PR101367): build chatgate with clang-16, "
    "as the presets do (cmake --preset release).")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

find_program(CHATGATE_CCACHE ccache)
if(CHATGATE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CHATGATE_CCACHE})
endif()

set(CHATGATE_SANITIZE "" CACHE STRING
  "Value of -fsanitize= for everything, such as address,undefined")
option(CHATGATE_FUZZ_ENGINE "Link the fuzz targets with libFuzzer" OFF)

if(CHATGATE_SANITIZE)
  add_compile_options(-fsanitize=${CHATGATE_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer $<$<CONFIG:Debug>:-O1>)
  add_link_options(-fsanitize=${CHATGATE_SANITIZE})
endif()
if(CHATGATE_FUZZ_ENGINE)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# What users run faces a network: hardened as Debian hardens its packages (dpkg-buildflags(1)),
# so that the package is what the tests have run. Of the libraries; tests are not optimised, and
# _FORTIFY_SOURCE needs that.
set(CHATGATE_HARDENING "")
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT CHATGATE_SANITIZE)
  set(CHATGATE_HARDENING -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now)
endif()

# Our code alone: third-party headers are SYSTEM.
add_library(chatgate_compile_options INTERFACE)
target_compile_options(chatgate_compile_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
