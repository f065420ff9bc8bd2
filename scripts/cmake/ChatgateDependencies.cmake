# Third-party libraries, each under the one name that the layers link. All are Debian packages
# (scripts/install-packages).

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(civetweb REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL 3 REQUIRED)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(liburing IMPORTED_TARGET liburing)  # Optional.

if(CHATGATE_TESTS)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
  pkg_check_modules(liburing REQUIRED IMPORTED_TARGET liburing)
  # Debian's, whatever else comes first in PATH: python3-yaml and python3-jsonschema are its own.
  find_program(CHATGATE_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
endif()

add_library(asio INTERFACE)
target_compile_definitions(asio INTERFACE
  ASIO_STANDALONE
  ASIO_NO_DEPRECATED
  # Asio 1.22 decides this per source file, by what was included before it: an ODR violation
  # (chriskohlhoff/asio#1082). Say it once, for all.
  ASIO_HAS_STD_ALIGNED_ALLOC=1
  # Asio 1.22 finds coroutines neither on Clang nor, hence, in clang-tidy.
  ASIO_HAS_CO_AWAIT=1
  ASIO_HAS_STD_COROUTINE=1)
target_link_libraries(asio INTERFACE Threads::Threads)
