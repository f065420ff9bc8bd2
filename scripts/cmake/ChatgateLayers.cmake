# The layers of libs/README.md, lowest first. A library may link only what stands on a lower line:
# neighbours on one line do not know each other.
set(CHATGATE_LAYERS
  "base"
  "protocol config net telemetry"
  "admission bench ctl chat forward bus"
  "session admin"
  "service")

# Sets `result` to the place of library `name` in CHATGATE_LAYERS, 0 being the lowest.
function(chatgate_find_layer name result)
  set(layer 0)
  foreach(line IN LISTS CHATGATE_LAYERS)
    separate_arguments(libraries UNIX_COMMAND "${line}")
    if(name IN_LIST libraries)
      set(${result} ${layer} PARENT_SCOPE)
      return()
    endif()
    math(EXPR layer "${layer} + 1")
  endforeach()
  message(FATAL_ERROR "The library '${name}' has no layer: name it in "
    "scripts/cmake/ChatgateLayers.cmake and in libs/README.md.")
endfunction()

# chatgate_check_layer(<name>)
#
# Fails, once the calling directory is read to its end, if library <name> links one that is not on
# a lower layer. Deferred so that a target_link_libraries() further down does not escape.
function(chatgate_check_layer name)
  chatgate_find_layer(${name} ignored)
  cmake_language(EVAL CODE "cmake_language(DEFER CALL chatgate_check_edges ${name})")
endfunction()

function(chatgate_check_edges name)
  chatgate_find_layer(${name} layer)
  get_target_property(edges chatgate_${name} LINK_LIBRARIES)
  get_target_property(interface_edges chatgate_${name} INTERFACE_LINK_LIBRARIES)
  foreach(edge IN LISTS edges interface_edges)
    # PRIVATE edges of a static library appear as $<LINK_ONLY:...> in its interface.
    if(NOT edge MATCHES "chatgate::([a-z_]+)")
      continue()
    endif()
    set(other ${CMAKE_MATCH_1})
    if(other STREQUAL "version")
      continue()  # A constant, no layer.
    endif()
    chatgate_find_layer(${other} other_layer)
    if(NOT other_layer LESS layer)
      message(FATAL_ERROR "The library '${name}' must not link '${other}': an edge points to a "
        "lower layer only (scripts/cmake/ChatgateLayers.cmake, libs/README.md).")
    endif()
  endforeach()
endfunction()
